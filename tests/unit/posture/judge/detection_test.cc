#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;
using Texts = std::vector<std::string>;
using Number = std::int64_t;

const Texts kScenarios = {"unwrap-volume",     "first-seen",         "off-hours",           "cross-tenant",
                          "denied-spike",      "no-matching-job",    "old-version",         "policy-widening",
                          "rotation-disabled", "deletion-scheduled", "attestation-failures"};

}  // namespace

std::vector<SceneCase> detection_cases() {
  Scene log;
  log.facts.push_back(scene_fact("audit.log", {},
                                 {{"operations", Number{12}},
                                  {"observed", Number{12}},
                                  {"tamper_detected", true},
                                  {"secrets_found", Number{0}},
                                  {"anchored", true}}));
  Scene run;
  run.facts.push_back(scene_fact("detection.run", {},
                                 {{"scenarios", kScenarios},
                                  {"detected", kScenarios},
                                  {"false_positive_permille", Number{10}},
                                  {"seconds_to_detect", Number{60}},
                                  {"seconds_to_contain", Number{600}}}));
  const std::string kRun = "detection.run";
  return {
      {"DET-01",
       log,
       {set_value("UseWithoutAnEntry", kFail, "audit.log", "observed", Number{11}),
        set_value("TamperingUnnoticed", kFail, "audit.log", "tamper_detected", false),
        set_value("SecretInTheLog", kFail, "audit.log", "secrets_found", Number{1}),
        set_value("HeadsNotKeptOutside", kFail, "audit.log", "anchored", false),
        set_value("NothingTried", kNotAssessed, "audit.log", "operations", Number{0})},
       {}},
      {"DET-02",
       run,
       {set_value("ScenarioMissed", kFail, kRun, "detected", Texts(kScenarios.begin() + 1, kScenarios.end())),
        set_value("ScenarioNotTried", kNotAssessed, kRun, "scenarios", Texts(kScenarios.begin() + 1, kScenarios.end())),
        set_value("CriesForNothing", kFail, kRun, "false_positive_permille", Number{11}),
        set_value("NoticedTooLate", kFail, kRun, "seconds_to_detect", Number{901}),
        set_value("ContainedTooLate", kFail, kRun, "seconds_to_contain", Number{3601}),
        set_value("NeverContained", kNotAssessed, kRun, "seconds_to_contain", Number{-1}),
        {"RanTooLongAgo", kNotAssessed,
         [](Scene& scene) { scene.fact("detection.run").at = Time{kSceneTime.unix_ms - days(91).ms}; }}},
       {}}};
}

}  // namespace cloister::posture
