#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;
using Texts = std::vector<std::string>;
using Number = std::int64_t;

Scene with_record(std::string record, FactValues values) {
  Scene scene;
  scene.facts.push_back(scene_record(std::move(record), std::move(values)));
  return scene;
}

std::vector<SceneChange> incomplete(Duration age_max) {
  return {set_value("NobodyApproved", kNotAssessed, "record", "approver", std::string()),
          set_value("ApprovedByItsOwner", kNotAssessed, "record", "approver", std::string("ana@example.org")),
          set_value("UnderAnotherSpelling", kNotAssessed, "record", "approver", std::string("ANA@example.org")),
          set_value("BlankOwner", kNotAssessed, "record", "owner", std::string(" ")),
          set_value("DatedTomorrow", kNotAssessed, "record", "date", to_rfc3339(kSceneTime + days(1))),
          set_value("NoDate", kNotAssessed, "record", "date", std::string("last week")),
          set_value("TooLongAgo", kFail, "record", "date", to_rfc3339(Time{kSceneTime.unix_ms - age_max.ms - 1}))};
}

SceneCase on_record(std::string control, Scene scene, std::vector<SceneChange> changes, Duration age_max) {
  for (SceneChange& change : incomplete(age_max)) {
    // A record holds for a year at most: past that it is no record.
    if (change.what == "TooLongAgo" && age_max >= days(365)) change.want = kNotAssessed;
    changes.push_back(std::move(change));
  }
  return {std::move(control), std::move(scene), std::move(changes), {}};
}

SceneCase threat_model() {
  Texts classes;
  for (int i = 1; i <= 16; ++i) classes.push_back("T" + std::to_string(i));
  const Texts without_last(classes.begin(), classes.end() - 1);
  return on_record(
      "GOV-01", with_record("threat-model", {{"covers", classes}, {"orphans", Number{0}}, {"out_of_sync", Number{0}}}),
      {set_value("ClassMissing", kFail, "record", "covers", without_last),
       set_value("ThreatWithoutAControl", kFail, "record", "orphans", Number{1}),
       set_value("ComponentMissing", kFail, "record", "out_of_sync", Number{1}),
       set_value("NegativeCount", kNotAssessed, "record", "orphans", Number{-1})},
      days(180));
}

SceneCase review() {
  return on_record(
      "GOV-02",
      with_record("review", {{"overdue", Number{0}}, {"thresholds_enforced", true}, {"report", std::string("5f3a")}}),
      {set_value("DecisionOverdue", kFail, "record", "overdue", Number{1}),
       set_value("NoGate", kFail, "record", "thresholds_enforced", false),
       set_value("NoReport", kNotAssessed, "record", "report", std::string())},
      days(90));
}

SceneCase external_audit() {
  return on_record("GOV-03",
                   with_record("external-audit", {{"open_high", Number{0}},
                                                  {"overdue", Number{0}},
                                                  {"unreviewed", Number{0}},
                                                  {"covers", Texts{"formats", "key hierarchy"}}}),
                   {set_value("HighFindingOpen", kFail, "record", "open_high", Number{1}),
                    set_value("FindingOverdue", kFail, "record", "overdue", Number{1}),
                    set_value("ChangedSince", kFail, "record", "unreviewed", Number{3}),
                    set_value("NoScope", kNotAssessed, "record", "covers", Texts{})},
                   days(365));
}

SceneCase evidence() {
  Scene scene;
  const std::string kind = "evidence.store";
  scene.facts.push_back(scene_fact(kind, {},
                                   {{"runs", Number{4}},
                                    {"sampled", Number{100}},
                                    {"verified", Number{100}},
                                    {"passes_without_fresh_evidence", Number{0}},
                                    {"retention_days", Number{400}},
                                    {"retention_policy_days", Number{365}},
                                    {"signed", true},
                                    {"chained", true},
                                    {"tamper_detected", true},
                                    {"anchored", true}}));
  return {"GOV-04",
          scene,
          {set_value("FactChanged", kFail, kind, "verified", Number{99}),
           set_value("TamperingUnnoticed", kFail, kind, "tamper_detected", false),
           set_value("PassWithoutEvidence", kFail, kind, "passes_without_fresh_evidence", Number{1}),
           set_value("KeptForLessThanPolicy", kFail, kind, "retention_days", Number{364}),
           set_value("PolicyBelowSixMonths", kFail, kind, "retention_days", Number{100}),
           set_value("Unsigned", kFail, kind, "signed", false), set_value("Unchained", kFail, kind, "chained", false),
           set_value("NotOnTheAuditLog", kFail, kind, "anchored", false),
           set_value("NothingSampled", kNotAssessed, kind, "sampled", Number{0})},
          {"runs", "retention_policy_days"}};
}

SceneCase exceptions() {
  Scene scene;
  const std::string kind = "exceptions.register";
  scene.facts.push_back(scene_fact(kind, {},
                                   {{"entries", Number{2}},
                                    {"invalid", Number{0}},
                                    {"invalid_with_effect", Number{0}},
                                    {"cases", Number{6}},
                                    {"refused", Number{6}},
                                    {"expired_resurface", true}}));
  return {"GOV-05",
          scene,
          {set_value("InvalidException", kFail, kind, "invalid", Number{1}),
           set_value("InvalidAndEffective", kFail, kind, "invalid_with_effect", Number{1}),
           set_value("BadOneTaken", kFail, kind, "refused", Number{5}),
           set_value("ExpiredStaysHidden", kFail, kind, "expired_resurface", false),
           set_value("NothingTried", kNotAssessed, kind, "cases", Number{0})},
          {"entries"}};
}

SceneCase no_silent_pass() {
  Scene scene;
  scene.facts.push_back(scene_drill("blind-scanner"));
  scene.facts.push_back(scene_drill("monotonicity"));
  const auto drill = [](std::string what, Status want, std::string name, FactValue value) {
    return SceneChange{std::move(what), want, [name = std::move(name), value = std::move(value)](Scene& changed) {
                         changed.fact("drill", "monotonicity").values[name] = value;
                       }};
  };
  return {"GOV-06",
          scene,
          {drill("LevelRose", kFail, "refused", Number{2}), drill("Failed", kFail, "outcome", std::string("failed")),
           drill("NotRun", kNotAssessed, "outcome", std::string("not_run")),
           drill("NothingTried", kNotAssessed, "cases", Number{0})},
          {"alerts_seen"}};
}

}  // namespace

std::vector<SceneCase> governance_cases() {
  return {threat_model(), review(), external_audit(), evidence(), exceptions(), no_silent_pass()};
}

}  // namespace cloister::posture
