// cloister posture controls, inventory, candidates: what is asked, what there is, and who needs a TEE.
#include "posture/candidates.h"
#include "posture/inventory.h"
#include "posture_run.h"
#include "posture_verbs.h"

namespace cloister::cli {
namespace {

struct ControlsRequest {
  std::string control;
};

struct EstateRequest {
  AuditOptions options;
};

Json control_json(const posture::Control& control) {
  Json mappings = Json::array();
  for (const posture::Mapping& mapping : control.mappings) {
    mappings.push_back({{"framework", mapping.framework},
                        {"relation", mapping.relation == posture::Relation::kDirect ? "direct" : "supports"},
                        {"clauses", mapping.clauses}});
  }
  return {{"control", control.id},
          {"title", control.title},
          {"domain", name_of(control.domain)},
          {"gates", name_of(control.gates)},
          {"critical", control.critical},
          {"statement", control.statement},
          {"procedure", control.procedure},
          {"evidence", control.evidence},
          {"criterion", control.criterion},
          {"remediation", control.remediation},
          {"mappings", std::move(mappings)}};
}

std::string lines_text(const char* heading, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += std::string(text.empty() ? heading : "") + "  " + line + "\n";
  return text;
}

std::string control_text(const posture::Catalogue& catalogue, const posture::Control& control) {
  std::string text = control.id + ": " + control.title + "\n" + std::string(title_of(control.domain)) + ", gates " +
                     std::string(name_of(control.gates)) + (control.critical ? ", takes no exception" : "") + "\n\n" +
                     control.statement + "\n\npasses when\n  " + control.criterion + "\n" +
                     lines_text("how it is judged\n", control.procedure) + lines_text("evidence\n", control.evidence) +
                     "otherwise\n  " + control.remediation + "\n";
  for (const posture::Mapping& mapping : control.mappings) {
    const posture::Framework* framework = catalogue.framework(mapping.framework);
    std::string clauses;
    for (const std::string& clause : mapping.clauses) clauses += (clauses.empty() ? "" : ", ") + clause;
    text += std::string(mapping.relation == posture::Relation::kDirect ? "asked for by " : "supports ") +
            (framework == nullptr ? mapping.framework : framework->title) + ": " + clauses + "\n";
  }
  return text;
}

Result<Outcome> controls(Session&, const ControlsRequest& request) {
  const posture::Catalogue& catalogue = posture::built_in_catalogue();
  Outcome outcome;
  if (!request.control.empty()) {
    const posture::Control* control = catalogue.find(request.control);
    if (control == nullptr) return Error(Code::kNotFound, "there is no control " + request.control);
    outcome.text = control_text(catalogue, *control);
    outcome.json = control_json(*control);
    return outcome;
  }
  Table table({"control", "gates", "critical", "title"});
  Json list = Json::array();
  for (const posture::Control& control : catalogue.controls) {
    table.row({control.id, std::string(name_of(control.gates)), control.critical ? "yes" : "", control.title});
    list.push_back(control_json(control));
  }
  outcome.text = table.text() + "catalogue " + catalogue.version + ", sha256 " + catalogue.digest + "\n";
  outcome.json = {{"version", catalogue.version}, {"digest", catalogue.digest}, {"controls", std::move(list)}};
  return outcome;
}

std::string words(const std::optional<bool>& truth) { return !truth ? "unknown" : *truth ? "yes" : "no"; }

// What is declared against what was seen, without a verdict.
Result<Outcome> inventory(Session& session, const EstateRequest& request) {
  CLOISTER_TRY(const Looked looked, look_once(session, request.options));
  Table table({"what", "declared", "seen", "owner", "environment", "sensitivity"});
  Json entries = Json::array(), scope = Json::object();
  for (const posture::Fact& fact : looked.facts) {
    if (fact.kind == "inventory.scope" && !fact.not_assessed) {
      scope = Json::parse(posture::fact_json(fact))["values"];
    }
    if (fact.kind != "inventory.entry") continue;
    const auto text = [&](std::string_view name) {
      const std::string* value = fact.text(name);
      return value == nullptr ? std::string() : printable(*value);
    };
    table.row({printable(fact.subject.text()), words(fact.truth("declared")), words(fact.truth("observed")),
               text("owner"), text("environment"), text("sensitivity")});
    entries.push_back(Json::parse(posture::fact_json(fact)));
  }
  Outcome outcome;
  outcome.text = table.text();
  outcome.json = {{"entries", std::move(entries)}, {"scope", std::move(scope)}};
  return outcome;
}

Result<Outcome> candidates(Session& session, const EstateRequest& request) {
  CLOISTER_TRY(const Looked looked, look_once(session, request.options));
  const posture::View view(looked.estate, looked.facts, looked.at);
  const std::vector<posture::Candidate> all = posture::candidates(view);
  Table table({"workload", "use", "sensitivity", "rule says", "attested"});
  Json list = Json::array();
  for (const posture::Candidate& one : all) {
    const std::string sensitivity = one.sensitivity ? std::string(name_of(*one.sensitivity)) : "not labelled";
    const std::string computed = one.computed ? std::string(name_of(*one.computed)) : "unknown";
    table.row({printable(one.workload), std::string(name_of(one.use)), sensitivity, computed,
               one.is_attested() ? "yes" : printable(one.attested)});
    list.push_back({{"workload", one.workload},
                    {"use", name_of(one.use)},
                    {"sensitivity", sensitivity},
                    {"computed", computed},
                    {"why", one.why},
                    {"attested", one.is_attested()},
                    {"not_attested_because", one.attested}});
  }
  Outcome outcome;
  outcome.text = table.text();
  outcome.json = {{"candidates", std::move(list)}};
  const auto plan = posture::pilot_plan(view, all);
  if (!plan) return outcome;
  outcome.text += "\nbegin with " + printable(plan->workload) + "\n";
  Json steps = Json::array();
  for (const auto& step : plan->steps) {
    outcome.text +=
        "  " + printable(step.what) + "\n" + (step.command.empty() ? "" : "    " + printable(step.command) + "\n");
    steps.push_back({{"what", step.what}, {"command", step.command}});
  }
  for (const std::string& line : plan->done_when) outcome.text += "  done when: " + printable(line) + "\n";
  outcome.json["pilot"] = {
      {"workload", plan->workload}, {"why", plan->why}, {"steps", std::move(steps)}, {"done_when", plan->done_when}};
  return outcome;
}

}  // namespace

void add_posture_catalogue(CLI::App& group, Run& run) {
  auto asking = std::make_shared<ControlsRequest>();
  CLI::App* verb = add_verb(group, "controls", "what is asked of a platform, and by whom", "");
  verb->add_option("CONTROL", asking->control, "one of them, whole");
  set_action(verb, run, asking, controls);

  auto listing = std::make_shared<EstateRequest>();
  verb = add_verb(group, "inventory", "what is declared against what was seen, both ways", "");
  add_looking_options(*verb, listing->options);
  set_action(verb, run, listing, inventory);

  auto judging = std::make_shared<EstateRequest>();
  verb = add_verb(group, "candidates", "which workloads justify a TEE, and how to begin with one", "");
  add_looking_options(*verb, judging->options);
  set_action(verb, run, judging, candidates);
}

}  // namespace cloister::cli
