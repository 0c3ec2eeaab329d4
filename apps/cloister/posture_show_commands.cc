// cloister posture show, evidence, trend: what was kept.
#include <algorithm>

#include "crypto/hash.h"
#include "posture/evidence/history.h"
#include "posture/report/json.h"
#include "posture/report/terminal.h"
#include "posture_reports.h"
#include "posture_store.h"
#include "posture_verbs.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kIdMin = 8;

struct ShowRequest {
  StoreOptions store;
  ReportFiles files;
  std::string run, before;
};

struct EvidenceRequest {
  StoreOptions store;
  std::string what, run;
};

struct TrendRequest {
  StoreOptions store;
};

// A run as this program judges it, with the history that was kept with it.
Result<posture::Posture> posture_of_run(const OpenedStore& store, const std::string& run) {
  CLOISTER_TRY(const posture::RunFile file, store.find(run));
  CLOISTER_TRY(const std::string text, store.store().read(file));
  const audit::VerifierKey& key = store.key();
  CLOISTER_TRY(const posture::ReadBundle bundle,
               posture::verify_signed(text, {&key, 1}).with_context("run " + file.run));
  CLOISTER_TRY(posture::Posture posture, posture::posture_of(bundle.contents.materials));
  CLOISTER_TRY(posture::StoredHistory history, posture::parse_history(bundle.contents.history));
  posture.trend = std::move(history.trend);
  posture.changes = std::move(history.changes);
  return posture;
}

Result<Outcome> show(Session& session, const ShowRequest& request) {
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  CLOISTER_TRY(posture::Posture now, posture_of_run(*store, request.run));
  std::optional<posture::Posture> before;
  if (!request.before.empty()) {
    CLOISTER_TRY(before, posture_of_run(*store, request.before));
    now.changes = posture::changes(posture::stored(*before), posture::stored(now));
  }
  CLOISTER_RETURN_IF_ERROR(write_reports(now, before ? &*before : nullptr, request.files));
  Outcome outcome;
  outcome.text = posture::report::terminal_report(now);
  outcome.json = Json::parse(posture::report_json(now));
  return outcome;
}

std::string fact_text(const posture::Fact& fact, const std::string& id) {
  std::string text = "fact " + id + "\n" + "kind: " + printable(fact.kind) +
                     "\nabout: " + printable(fact.subject.text()) + "\ncollector: " + printable(fact.collector) +
                     "\nscope: " + printable(fact.scope) + "\nmethod: " + std::string(name_of(fact.method)) +
                     "\nat: " + to_rfc3339(fact.at) + "\nvalid until: " + to_rfc3339(fact.valid_until) + "\n";
  if (fact.simulated) text += "simulated: it never satisfies a control\n";
  if (fact.not_assessed) text += "not assessed: " + printable(*fact.not_assessed) + "\n";
  const Json json = Json::parse(posture::fact_json(fact));
  for (const auto& [name, value] : json["values"].items()) {
    text +=
        "  " + printable(name) + ": " + printable(value.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
  }
  if (fact.raw.empty()) return text;
  text += "raw:\n";
  for (std::size_t start = 0; start < fact.raw.size();) {
    const std::size_t end = std::min(fact.raw.find('\n', start), fact.raw.size());
    text += "  " + printable(std::string_view(fact.raw).substr(start, end - start)) + "\n";
    start = end + 1;
  }
  return text;
}

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The newest run that holds a fact whose id begins so.
Result<Outcome> show_fact(const OpenedStore& store, const std::string& id) {
  CLOISTER_TRY(std::vector<posture::RunFile> runs, store.store().runs());
  std::ranges::reverse(runs);
  const audit::VerifierKey& key = store.key();
  for (const posture::RunFile& file : runs) {
    CLOISTER_TRY(const std::string text, store.store().read(file));
    CLOISTER_TRY(const posture::ReadBundle bundle,
                 posture::verify_signed(text, {&key, 1}).with_context("run " + file.run));
    for (const posture::Fact& fact : bundle.contents.materials.facts) {
      const std::string full = fact.id();
      if (!full.starts_with(id)) continue;
      Outcome outcome;
      outcome.text = fact_text(fact, full) + "run: " + file.run + " at " + to_rfc3339(file.at) + ", signed by " +
                     printable(bundle.signer) + "\n";
      outcome.json = {
          {"id", full}, {"run", file.run}, {"signer", bundle.signer}, {"fact", Json::parse(posture::fact_json(fact))}};
      return outcome;
    }
  }
  return Error(Code::kNotFound, "no kept run has a fact " + id);
}

// Every verdict of one control, each with the facts it rests on.
Result<Outcome> show_control(const posture::Posture& posture, const posture::ControlAssessment& control) {
  std::map<std::string, const posture::Fact*> facts;
  for (const posture::Fact& fact : posture.facts) facts.emplace(fact.id(), &fact);
  Outcome outcome;
  outcome.text =
      control.control + ": " + std::string(name_of(control.status)) + ": " + printable(control.reason) + "\n";
  Json verdicts = Json::array();
  for (const posture::SubjectVerdict& verdict : control.subjects) {
    outcome.text += "\n" + printable(verdict.subject.text()) + ": " + std::string(name_of(verdict.status)) + ": " +
                    printable(verdict.reason) + "\n";
    Json evidence = Json::array();
    for (const std::string& id : verdict.evidence) {
      const auto found = facts.find(id);
      if (found == facts.end()) continue;
      outcome.text += fact_text(*found->second, id);
      evidence.push_back({{"id", id}, {"fact", Json::parse(posture::fact_json(*found->second))}});
    }
    verdicts.push_back({{"subject", verdict.subject.text()},
                        {"status", name_of(verdict.status)},
                        {"reason", verdict.reason},
                        {"evidence", std::move(evidence)}});
  }
  outcome.json = {{"control", control.control},
                  {"run", posture.run},
                  {"status", name_of(control.status)},
                  {"verdicts", std::move(verdicts)}};
  return outcome;
}

Result<Outcome> evidence(Session& session, const EvidenceRequest& request) {
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  if (request.what.size() >= kIdMin && is_hexadecimal(request.what)) return show_fact(*store, request.what);
  CLOISTER_TRY(const posture::Posture posture, posture_of_run(*store, request.run));
  const posture::ControlAssessment* control = posture.assessment.find(request.what);
  if (control == nullptr) {
    return invalid("evidence: name a control, or a fact by eight digits of its id or more");
  }
  return show_control(posture, *control);
}

Error not_kept(std::size_t runs) {
  return Error(Code::kCorrupt, count_text(runs, "run") + " of the audit log isn't kept here");
}

Result<Outcome> trend(Session& session, const TrendRequest& request) {
  CLOISTER_TRY(const auto store, OpenedStore::open(session, request.store, OpenedStore::IfNone::kRefuse));
  CLOISTER_TRY(const std::vector<std::string> missing, store->missing_runs());
  CLOISTER_TRY(const auto newest, store->newest());
  if (!newest && !missing.empty()) return not_kept(missing.size());
  if (!newest) return Error(Code::kNotFound, "no run was kept yet");
  CLOISTER_TRY(const posture::StoredHistory history, posture::parse_history(newest->contents.history));
  Table table({"time", "run", "level", "score", "coverage", "pass", "fail", "not assessed", "excepted"});
  for (const posture::TrendPoint& point : history.trend) {
    table.row({to_rfc3339(point.at), point.run.substr(0, 8), std::string(name_of(point.overall)),
               std::to_string(point.score.lower) + ".." + std::to_string(point.score.upper),
               std::to_string(point.coverage_permille) + "/1000", std::to_string(point.pass),
               std::to_string(point.fail), std::to_string(point.not_assessed), std::to_string(point.exceptions)});
  }
  Outcome outcome;
  outcome.text = table.text();
  for (const posture::Changed& changed : history.changes) {
    outcome.text += std::string(name_of(changed.change)) + ": " + printable(changed.control) + " " +
                    printable(changed.subject.text()) + ": " + std::string(name_of(changed.before)) + " to " +
                    std::string(name_of(changed.after)) + "\n";
  }
  outcome.json = Json::parse(newest->contents.history);
  outcome.json["missing"] = missing;
  for (const std::string& run : missing) {
    outcome.text +=
        "MISSING: run " + run + " is on the audit log and not in the store: it was removed, or never kept\n";
  }
  if (!missing.empty()) outcome.failure = not_kept(missing.size());
  return outcome;
}

}  // namespace

void add_posture_show(CLI::App& group, Run& run) {
  auto showing = std::make_shared<ShowRequest>();
  CLI::App* verb = add_verb(group, "show", "a run that was kept", "");
  verb->add_option("RUN", showing->run, "its id, or how that begins; else the newest");
  verb->add_option("--before", showing->before, "a run to be shown beside it")->type_name("RUN");
  add_report_options(*verb, showing->files);
  add_store_options(*verb, showing->store);
  set_action(verb, run, showing, show);

  auto asking = std::make_shared<EvidenceRequest>();
  verb = add_verb(group, "evidence", "what a finding rests on", R"(EXAMPLES
  cloister posture evidence 3f8a1c02
      the fact whose id begins so, in the newest run that has it
  cloister posture evidence REST-01
      every verdict of a control, each with its facts
)");
  verb->add_option("WHAT", asking->what, "a fact's id, or how it begins; or a control")->required();
  verb->add_option("--run", asking->run, "of a control: in that run; else the newest")->type_name("RUN");
  add_store_options(*verb, asking->store);
  set_action(verb, run, asking, evidence);

  auto looking_back = std::make_shared<TrendRequest>();
  verb = add_verb(group, "trend", "how level, score and coverage moved, and what changed last", "");
  add_store_options(*verb, looking_back->store);
  set_action(verb, run, looking_back, trend);
}

}  // namespace cloister::cli
