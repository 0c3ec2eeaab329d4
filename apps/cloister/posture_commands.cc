// cloister posture: what is unencrypted, with whose keys, over which links, and what proves it.
#include "posture/report/json.h"
#include "posture/report/terminal.h"
#include "posture_reports.h"
#include "posture_run.h"
#include "posture_verbs.h"

namespace cloister::cli {
namespace {

struct AuditRequest {
  AuditOptions options;
  ReportFiles files;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister posture audit --estate estate.toml
  cloister posture audit --estate estate.toml --evidence evidence/ --json

NOTES
  Looks at everything the estate declares and at what else it finds, and opens
  it for reading only. What nobody looked at, or couldn't be looked at, is "not
  assessed", and never a pass. docs/posture.md explains all of it.
)";

Result<Outcome> audit(Session& session, const AuditRequest& request) {
  CLOISTER_TRY(const AuditRun run, run_audit(session, request.options));
  CLOISTER_RETURN_IF_ERROR(write_reports(run.posture, nullptr, request.files));
  Outcome outcome;
  outcome.text = posture::report::terminal_report(run.posture);
  outcome.text += run.root ? "kept and signed: `cloister posture evidence`, `cloister posture export`\n"
                           : "nothing was kept, and nothing signed: that takes a home (`cloister init`)\n";
  outcome.json = Json::parse(posture::report_json(run.posture));
  outcome.json["kept"] = run.root.has_value();
  return outcome;
}

void add_audit_verb(CLI::App& group, Run& run) {
  auto request = std::make_shared<AuditRequest>();
  AuditOptions& options = request->options;
  CLI::App* verb = add_verb(group, "audit", "the whole estate, once", std::string(kManual) + collectors_text());
  add_looking_options(*verb, options);
  verb->add_option("--exceptions", options.exceptions, "findings somebody answers for (TOML)")->type_name("FILE");
  add_report_options(*verb, request->files);
  set_action(verb, run, request, audit);
}

}  // namespace

void add_posture(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "posture", "what is unencrypted, with whose keys, and what proves it", kManual);
  group->require_subcommand(1);
  add_audit_verb(*group, run);
  add_posture_show(*group, run);
  add_posture_bundles(*group, run);
  add_posture_fix(*group, run);
  add_posture_gate(*group, run);
  add_posture_record(*group, run);
  add_posture_catalogue(*group, run);
}

}  // namespace cloister::cli
