// DET: what key use leaves behind, and who notices when it is wrong.
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"

namespace cloister::posture {
namespace {

constexpr std::int64_t kFalsePositivePermilleMax = 10;
constexpr std::int64_t kSecondsToDetectMax = 15 * 60;
constexpr std::int64_t kSecondsToContainMax = 60 * 60;
constexpr Duration kRunAgeMax = days(90);

// What must be noticed, by the names that detection.run has for them.
constexpr std::array<std::string_view, 11> kScenarios = {
    "unwrap-volume",     "first-seen",         "off-hours",           "cross-tenant",
    "denied-spike",      "no-matching-job",    "old-version",         "policy-widening",
    "rotation-disabled", "deletion-scheduled", "attestation-failures"};

Finding look_at_log(const Fact& fact) {
  const auto operations = fact.number("operations");
  const auto observed = fact.number("observed");
  const auto tampering = fact.truth("tamper_detected");
  const auto secrets = fact.number("secrets_found");
  const auto anchored = fact.truth("anchored");
  if (operations && observed && *observed < *operations)
    return fails(std::to_string(*operations - *observed) + " of " + std::to_string(*operations) +
                     " kinds of key use left no entry",
                 "let every use of a key be logged before it is answered");
  if (secrets && *secrets > 0)
    return fails(std::to_string(*secrets) + " secrets stand in the log", "keep them out of it, and replace those keys");
  if (tampering && !*tampering) return fails("a change of the log went unnoticed", "verify it: cloister audit verify");
  if (anchored && !*anchored)
    return fails("no head of the log is kept outside of the system",
                 "have its checkpoints witnessed: cloister audit checkpoint - --request FILE");
  if (!operations || *operations < 1 || !observed || !tampering || secrets != 0 || !anchored)
    return unproven("not all of the log was looked at");
  return passes("every kind of key use is logged, changes are noticed, its heads are kept outside");
}

std::vector<SubjectVerdict> log(const View& view) {
  const Question question = {the_platform(), "nobody looked at the log of key use",
                             "cloister posture audit, with a home"};
  return {judge_by(view, question, view.about("audit.log", the_platform()), look_at_log)};
}

Finding look_at_detection(const View& view, const Fact& fact) {
  const auto* scenarios = fact.list("scenarios");
  const auto* detected = fact.list("detected");
  if (scenarios == nullptr || detected == nullptr) return unproven("the run doesn't say what it tried");
  const std::string tune = "tune or add the detector, and run it again";
  for (const std::string& scenario : *scenarios) {
    if (!contains(detected, scenario)) return fails(scenario + " wasn't noticed", tune);
  }
  const auto wrong = fact.number("false_positive_permille");
  const auto detect = fact.number("seconds_to_detect");
  const auto contain = fact.number("seconds_to_contain");
  if (wrong && *wrong > kFalsePositivePermilleMax)
    return fails(std::to_string(*wrong) + " in a thousand alarms for nothing, more than " +
                     std::to_string(kFalsePositivePermilleMax),
                 tune);
  if (detect && *detect > kSecondsToDetectMax)
    return fails("noticed after " + std::to_string(*detect) + " seconds, which is too late", tune);
  if (contain && *contain > kSecondsToContainMax)
    return fails("contained after " + std::to_string(*contain) + " seconds, which is too late",
                 "let an approved alarm disable the key by itself");
  for (const std::string_view scenario : kScenarios) {
    if (!contains(scenarios, scenario)) return unproven(std::string(scenario) + " wasn't tried");
  }
  if (wrong.value_or(-1) < 0 || detect.value_or(-1) < 0 || contain.value_or(-1) < 0)
    return unproven("the run doesn't say how fast it was, or how often it alarms for nothing");
  if (fact.at + kRunAgeMax < view.now()) return unproven("it ran more than 90 days ago");
  return passes("all " + std::to_string(kScenarios.size()) + " scenarios are noticed and contained in time");
}

std::vector<SubjectVerdict> detection(const View& view) {
  const Question question = {the_platform(), "no scenario was played", "replay the scenarios of docs/anomalies.md"};
  return {judge_by(view, question, view.about("detection.run", the_platform()),
                   [&](const Fact& fact) { return look_at_detection(view, fact); })};
}

constexpr std::array<JudgeOf, 2> kJudges = {{{"DET-01", log}, {"DET-02", detection}}};

}  // namespace

std::span<const JudgeOf> detection_judges() { return kJudges; }

}  // namespace cloister::posture
