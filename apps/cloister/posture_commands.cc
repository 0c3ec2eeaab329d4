// cloister posture: what is unencrypted, with whose keys, over which links, and what proves it.
#include "commands.h"
#include "posture/report/json.h"
#include "posture/report/terminal.h"
#include "posture_run.h"

namespace cloister::cli {
namespace {

struct AuditRequest {
  AuditOptions options;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister posture audit --estate estate.toml
  cloister posture audit --estate estate.toml --evidence evidence/ --json

NOTES
  Looks at everything the estate declares and at what else it finds, and opens
  it for reading only. What nobody looked at, or couldn't be looked at, is "not
  assessed", and never a pass. docs/posture.md explains all of it.
)";

std::string collectors_text() {
  std::string text = "\nCOLLECTORS\n";
  for (const CollectorChoice& choice : collector_choices()) {
    text += "  " + std::string(choice.name) + "  " + std::string(choice.about) + "\n";
  }
  return text;
}

Result<Outcome> audit(Session& session, const AuditRequest& request) {
  CLOISTER_TRY(const AuditRun run, run_audit(session, request.options));
  Outcome outcome;
  outcome.text = posture::report::terminal_report(run.posture);
  for (const std::string& note : run.notes) outcome.text += printable(note) + "\n";
  outcome.json = Json::parse(posture::report_json(run.posture));
  return outcome;
}

void add_audit_verb(CLI::App& group, Run& run) {
  auto request = std::make_shared<AuditRequest>();
  AuditOptions& options = request->options;
  CLI::App* verb = add_verb(group, "audit", "the whole estate, once", std::string(kManual) + collectors_text());
  verb->add_option("--estate", options.estate, "what there is, who owns it, how much it matters (TOML or YAML)")
      ->required()
      ->type_name("FILE");
  verb->add_option("--exceptions", options.exceptions, "findings somebody answers for (TOML)")->type_name("FILE");
  verb->add_option("--facts", options.facts, "facts that were collected elsewhere, one a line")->type_name("FILE");
  verb->add_option("--evidence", options.path_evidence, "files of evidence about paths, or folders of them")
      ->type_name("PATH");
  verb->add_option("--bundle", options.path_bundles, "whom receipts are verified against")
      ->type_name("TRUST-DOMAIN=FILE");
  verb->add_option("--only", options.only, "no other collectors than these")->type_name("NAME");
  verb->add_option("--skip", options.skip, "not these collectors")->type_name("NAME");
  set_action(verb, run, request, audit);
}

}  // namespace

void add_posture(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "posture", "what is unencrypted, with whose keys, and what proves it", kManual);
  group->require_subcommand(1);
  add_audit_verb(*group, run);
}

}  // namespace cloister::cli
