// cloister posture gate: is it good enough to go on.
#include <algorithm>

#include "posture/gate.h"
#include "posture_store.h"
#include "posture_verbs.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kLinesShown = 50;

struct GateRequest {
  StoreOptions store;
  std::string report, level_min, base, baseline, write_baseline;
  std::vector<std::string> fail_on;
  std::uint64_t not_assessed_max = 0;
  bool force = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister posture gate --min-level Applied --max-not-assessed 12
  cloister posture gate --report now.json --no-regression base.json --fail-on critical
  cloister posture gate --write-baseline accepted.json
      what fails today, accepted by this gate and by nothing else
  cloister posture gate --baseline accepted.json

NOTES
  Of the newest run that was kept, judged again as of now, or of a --report of
  the last 24 hours. Status 0: go on. 4: a rule is broken. 9: nothing speaks
  against it, and too much isn't assessed, or the report is too old. Every other
  status: the gate itself couldn't do its work, so don't go on.
  A baseline is no exception: it is in no report and raises no level.
)";

Result<std::string> read_text(const std::string& path) {
  CLOISTER_TRY(const Bytes bytes, read_file(path, posture::kReportSizeMax));
  return std::string(as_text(bytes));
}

Result<posture::StoredReport> read_report(const std::string& path) {
  CLOISTER_TRY(const std::string text, read_text(path));
  return posture::parse_report(text).with_context(path);
}

Result<posture::StoredReport> report_of(Session& session, const GateRequest& request) {
  if (!request.report.empty()) return read_report(request.report);
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  CLOISTER_TRY(const auto newest, store->newest());
  if (!newest) return Error(Code::kNotFound, "no run was kept yet: `cloister posture audit`");
  // Judged again as of now: what its facts no longer prove isn't assessed, and an exception that ended has no effect.
  posture::Materials materials = newest->contents.materials;
  const std::string run = posture::run_id(materials);
  materials.at = std::max(materials.at, session.caller().now);
  CLOISTER_TRY(const posture::Posture posture, posture::posture_of(materials));
  posture::StoredReport report = posture::stored(posture);
  report.point.run = run;
  return report;
}

Result<posture::GateRules> rules_of(const GateRequest& request) {
  posture::GateRules rules;
  if (!request.level_min.empty()) {
    CLOISTER_TRY(const posture::Reached level, posture::parse_reached(request.level_min).with_context("--min-level"));
    rules.level_min = level;
  }
  if (!request.base.empty()) {
    CLOISTER_TRY(rules.base, read_report(request.base));
  }
  if (!request.baseline.empty()) {
    CLOISTER_TRY(const std::string text, read_text(request.baseline));
    CLOISTER_TRY(rules.baseline, posture::parse_baseline(text).with_context(request.baseline));
  }
  rules.fail_on = request.fail_on;
  rules.not_assessed_max = request.not_assessed_max;
  CLOISTER_RETURN_IF_ERROR(posture::check_rules(posture::built_in_catalogue(), rules).with_context("--fail-on"));
  return rules;
}

std::string lines_text(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < kLinesShown; ++i) text += "  " + printable(lines[i]) + "\n";
  if (lines.size() > kLinesShown) text += "  and " + std::to_string(lines.size() - kLinesShown) + " more\n";
  return text;
}

Result<Outcome> gate(Session& session, const GateRequest& request) {
  CLOISTER_TRY(posture::GateRules rules, rules_of(request));
  rules.now = session.caller().now;
  CLOISTER_TRY(const posture::StoredReport report, report_of(session, request));
  Outcome outcome;
  if (!request.write_baseline.empty()) {
    const posture::Baseline baseline = posture::baseline_of(report);
    const std::string text = posture::baseline_json(baseline) + "\n";
    CLOISTER_RETURN_IF_ERROR(
        write_file(request.write_baseline, as_bytes(text), request.force ? Overwrite::kReplace : Overwrite::kRefuse));
    outcome.text = "accepted " + count_text(baseline.accepted.size(), "finding") + "\n";
    outcome.json = {{"accepted", baseline.accepted.size()}};
    return outcome;
  }
  const posture::GateAnswer answer = posture::gate(posture::built_in_catalogue(), report, rules);
  outcome.json = {{"run", report.point.run},     {"level", name_of(report.point.overall)},
                  {"failures", answer.failures}, {"not_assessed", answer.not_assessed},
                  {"accepted", answer.accepted}, {"mended", answer.mended},
                  {"outdated", answer.outdated}};
  outcome.text = "run " + printable(report.point.run) + ": " + std::string(name_of(report.point.overall)) + "\n";
  if (answer.accepted > 0) outcome.text += count_text(answer.accepted, "finding") + " of the baseline\n";
  if (!answer.mended.empty()) outcome.text += "mended, take out of the baseline:\n" + lines_text(answer.mended);
  if (!answer.failures.empty()) {
    outcome.text += "broken:\n" + lines_text(answer.failures);
    outcome.failure = Error(Code::kDenied, "the gate is closed: " + answer.failures.front());
  } else if (!answer.outdated.empty()) {
    outcome.text += "not assessed:\n  " + answer.outdated + "\n";
    outcome.failure = Error(Code::kUnavailable, "the gate is closed: " + answer.outdated);
  } else if (!answer.not_assessed.empty()) {
    outcome.text += "not assessed:\n" + lines_text(answer.not_assessed);
    outcome.failure =
        Error(Code::kUnavailable, "the gate is closed: " + count_text(answer.not_assessed.size(), "control") +
                                      " not assessed, and " + std::to_string(rules.not_assessed_max) + " may be");
  } else {
    outcome.text += "the gate is open\n";
  }
  return outcome;
}

}  // namespace

void add_posture_gate(CLI::App& group, Run& run) {
  auto request = std::make_shared<GateRequest>();
  CLI::App* verb = add_verb(group, "gate", "an exit status for a pipeline", kManual);
  verb->add_option("--report", request->report, "a report that `audit --report` wrote; else the newest kept run")
      ->type_name("FILE");
  verb->add_option("--min-level", request->level_min, "the overall level that is asked for")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"Foundational", "Applied", "Advanced", "Strategic"}));
  verb->add_option("--no-regression", request->base, "nothing may be worse than in this report")->type_name("FILE");
  verb->add_option("--fail-on", request->fail_on,
                   "only controls so named, `critical` ones, or those up to a level (`applied`); else all")
      ->type_name("WORD");
  verb->add_option("--max-not-assessed", request->not_assessed_max, "so many of those may be not assessed; else none")
      ->type_name("N");
  verb->add_option("--baseline", request->baseline, "findings that were accepted")->type_name("FILE");
  verb->add_option("--write-baseline", request->write_baseline, "accept what fails now, and write it down")
      ->type_name("FILE");
  verb->add_flag("-f,--force", request->force, "replace a file that is there");
  add_store_options(*verb, request->store);
  set_action(verb, run, request, gate);
}

}  // namespace cloister::cli
