#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;

std::string exercise(char group, int number) {
  return std::string("RT-") + group + (number < 10 ? "0" : "") + std::to_string(number);
}

SceneCase playbook(std::string control, char group, int count) {
  Scene scene;
  for (int i = 1; i <= count; ++i) scene.facts.push_back(scene_drill(exercise(group, i)));
  const std::string last = exercise(group, count);
  const auto change = [&](std::string what, Status want, std::string name, FactValue value) {
    return SceneChange{std::move(what), want, [last, name = std::move(name), value = std::move(value)](Scene& changed) {
                         changed.fact("drill", last).values[name] = value;
                       }};
  };
  return {std::move(control),
          scene,
          {change("NotDefended", kFail, "outcome", std::string("failed")),
           change("NotRun", kNotAssessed, "outcome", std::string("not_run")),
           change("UnknownOutcome", kNotAssessed, "outcome", std::string("perhaps")),
           change("NobodyWasTold", kFail, "alerts_seen", false),
           change("NothingTried", kNotAssessed, "cases", std::int64_t{0}),
           {"TooLongAgoThoughItSaysThatItHolds", kNotAssessed,
            [last](Scene& changed) { changed.fact("drill", last).at = Time{kSceneTime.unix_ms - kDrillValid.ms - 1}; }},
           {"AboutATenant", kPass,
            [last](Scene& changed) { changed.fact("drill", last).subject = {SubjectKind::kTenant, "acme"}; }}},
          {"refused"}};
}

}  // namespace

std::vector<SceneCase> redteam_cases() {
  return {playbook("RED-01", 'K', 15), playbook("RED-02", 'T', 12), playbook("RED-03", 'A', 11),
          playbook("RED-04", 'M', 8)};
}

}  // namespace cloister::posture
