#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;
using Texts = std::vector<std::string>;
using Number = std::int64_t;

std::vector<SceneChange> of_quarter() {
  return {set_value("GapWithoutADate", kFail, "record", "orphans", Number{1}),
          set_value("ActionOverdue", kFail, "record", "overdue", Number{1}),
          set_value("LastQuarter", kFail, "record", "date", to_rfc3339(Time{kSceneTime.unix_ms - days(93).ms})),
          set_value("NobodyApproved", kNotAssessed, "record", "approver", std::string()),
          set_value("ApprovedByItsOwner", kNotAssessed, "record", "approver", std::string("Ana@example.org ")),
          set_value("NegativeCount", kNotAssessed, "record", "overdue", Number{-1})};
}

SceneCase storage() {
  Scene scene;
  scene.estate.locations.push_back(scene_location("corpus"));
  const std::string kind = "storage.encryption";
  scene.facts.push_back(scene_fact(kind, {SubjectKind::kLocation, "corpus"},
                                   {{"encrypted", std::string("yes")}, {"key_manager", std::string("operator")}}));
  scene.facts.push_back(scene_record("quarterly-storage-audit", {{"orphans", Number{0}}, {"overdue", Number{0}}}));
  SceneCase out = {"AUD-01", scene, of_quarter(), {}};
  out.changes.push_back(set_value("WhoseKeyUnknown", kNotAssessed, kind, "key_manager", std::string("unknown")));
  out.changes.push_back(set_value("UnknownWhetherEncrypted", kNotAssessed, kind, "encrypted", std::string("unknown")));
  out.changes.push_back(set_value("PlaintextIsAResultToo", kPass, kind, "encrypted", std::string("no")));
  out.changes.push_back({"LocationNotAudited", kNotAssessed,
                         [](Scene& changed) { changed.estate.locations.push_back(scene_location("forgotten")); }});
  return out;
}

SceneCase paths() {
  Scene scene;
  const std::string kind = "path.edge";
  scene.facts.push_back(scene_fact(kind, scene_edge(scene.estate, "a", "b", 443),
                                   {{"verdict", std::string("enforced")}, {"undeclared", false}}));
  scene.facts.push_back(scene_record("quarterly-path-audit", {{"orphans", Number{0}}, {"overdue", Number{0}}}));
  SceneCase out = {"AUD-02", scene, of_quarter(), {"undeclared"}};
  out.changes.push_back(set_value("DiscoveredAndNotTriaged", kFail, kind, "undeclared", true));
  out.changes.push_back(set_value("ReadAboutAlone", kNotAssessed, kind, "verdict", std::string("configured")));
  out.changes.push_back(set_value("NoEvidence", kNotAssessed, kind, "verdict", std::string("unknown")));
  out.changes.push_back(set_value("PlaintextIsAResultToo", kPass, kind, "verdict", std::string("plaintext-seen")));
  out.changes.push_back(
      {"EdgeNotAudited", kNotAssessed, [](Scene& changed) { scene_edge(changed.estate, "a", "c", 443); }});
  return out;
}

SceneCase candidates() {
  Scene scene;
  scene.estate.workloads.push_back(scene_workload("trainer"));
  const std::string kind = "assessment.workload";
  scene.facts.push_back(scene_fact(kind, {SubjectKind::kWorkload, "trainer"},
                                   {{"decision", std::string("tee")},
                                    {"owner", std::string("ana@example.org")},
                                    {"approver", std::string("bo@example.org")}}));
  scene.facts.push_back(scene_fact("pilot", {},
                                   {{"workload", std::string("trainer")},
                                    {"owner", std::string("ana@example.org")},
                                    {"completed_at", to_rfc3339(Time{kSceneTime.unix_ms - days(300).ms})},
                                    {"decision", std::string("expand")},
                                    {"releases", Texts{"41aa"}}}));
  const std::string kept = "attestation.releases";
  scene.facts.push_back(scene_fact(kept, {}, {{"reverified", Number{1}}, {"inconsistent", Number{0}}}));
  return {
      "AUD-03",
      scene,
      {set_value("NobodyApproved", kFail, kind, "approver", std::string()),
       set_value("ApprovedByItsOwner", kFail, kind, "approver", std::string("ana@example.org")),
       set_value("ApprovedUnderAnotherSpelling", kFail, kind, "approver", std::string(" Ana@Example.org")),
       set_value("BlankApprover", kFail, kind, "approver", std::string(" ")),
       set_value("Undecided", kNotAssessed, kind, "decision", std::string()),
       set_value("PilotNotCompleted", kFail, "pilot", "completed_at", std::string()),
       set_value("PilotTooOld", kFail, "pilot", "completed_at", to_rfc3339(Time{kSceneTime.unix_ms - days(366).ms})),
       set_value("CompletedTomorrow", kNotAssessed, "pilot", "completed_at", to_rfc3339(kSceneTime + days(1))),
       set_value("NothingDecided", kFail, "pilot", "decision", std::string()),
       set_value("NothingToVerifyAgain", kNotAssessed, "pilot", "releases", Texts{}),
       set_value("NothingDecidedAgain", kNotAssessed, kept, "reverified", Number{0}),
       set_value("AnotherVerdictAgain", kFail, kept, "inconsistent", Number{1}),
       set_value("PilotOfNothing", kNotAssessed, "pilot", "workload", std::string()),
       {"WorkloadNotAssessed", kNotAssessed,
        [](Scene& changed) { changed.estate.workloads.push_back(scene_workload("forgotten")); }},
       {"StagingIsOutOfScope", kPass,
        [](Scene& changed) {
          changed.estate.workloads.push_back(scene_workload("trial"));
          changed.estate.workloads.back().label.environment = "staging";
        }}},
      {}};
}

}  // namespace

std::vector<SceneCase> audit_cases() { return {storage(), paths(), candidates()}; }

}  // namespace cloister::posture
