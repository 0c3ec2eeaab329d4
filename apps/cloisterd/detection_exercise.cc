#include "cloisterd/detection_exercise.h"

#include <algorithm>
#include <array>

#include "cloisterd/anomaly_watch.h"

namespace cloister::daemon {
namespace {

namespace anomaly = audit::anomaly;
using anomaly::Kind;

constexpr std::uint64_t kSeed = 0x6365'6c6c'6172'3031;  // of made-up names: nothing here is secret
constexpr int kWeeks = 4;
constexpr std::string_view kTenant = "acme";
constexpr std::string_view kServing = "spiffe://acme.example/acme/serving";
constexpr std::string_view kTraining = "spiffe://acme.example/acme/trainer";
constexpr std::string_view kPerson = "spiffe://acme.example/acme/anna";

// One decision as the service tells of it.
struct Act {
  Time at;
  std::string operation, caller, dataset, environment, problem;
  std::string tenant = std::string(kTenant);
  std::string remote = "192.0.2.7:51820";
  std::uint32_t keys = 1;
};

std::string dataset(int number) { return "set-" + std::to_string(number); }

// What happens in an hour of an ordinary week: services all the time, a person by day, training at night. Small
// differences from hour to hour, by a fixed rule.
std::vector<Act> ordinary_hour(Time begin, int hour_of_week) {
  std::vector<Act> acts;
  const int hour = hour_of_week % 24, day = hour_of_week / 24;
  const auto add = [&](int minute, std::string_view caller, int number, std::uint32_t keys) {
    Act act{begin + minutes(minute), "unwrap", std::string(caller), dataset(number), "", "", {}, {}, keys};
    act.tenant = kTenant;
    act.remote = caller == kTraining ? "192.0.2.20:40000" : caller == kPerson ? "192.0.2.30:40000" : "192.0.2.7:51820";
    acts.push_back(std::move(act));
  };
  for (int i = 0; i < 12; ++i) add(i * 5, kServing, i % 2, static_cast<std::uint32_t>(2 + (hour_of_week * 7 + i) % 3));
  if (hour >= 1 && hour < 4) {
    for (int i = 0; i < 4; ++i)
      add(i * 15 + 2, kTraining, 2 + i % 3, static_cast<std::uint32_t>(10 + (hour_of_week + i) % 4));
  }
  if (day < 5 && hour >= 8 && hour < 17) {
    add(11, kPerson, 5, 1);
    if (hour % 2 == 0) add(37, kPerson, 6, 1);
  }
  std::ranges::sort(acts, {}, &Act::at);
  return acts;
}

struct Scenario {
  std::string_view name;
  std::vector<Kind> accepted;  // what would lead somebody to it
  std::vector<Act> (*acts)(Time begin);
};

std::vector<Act> many_unwraps(Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 60; ++i) {
    acts.push_back({begin + seconds(i), "unwrap", std::string(kServing), dataset(0), "", "", std::string(kTenant),
                    "192.0.2.7:51820", 50});
  }
  return acts;
}

std::vector<Act> stranger(Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 5; ++i) {
    acts.push_back({begin + seconds(i), "unwrap", "spiffe://acme.example/acme/exporter", dataset(i), "", "",
                    std::string(kTenant), "198.51.100.9:40000", 1});
  }
  return acts;
}

// The next night, at three: the person works by day.
std::vector<Act> at_night(Time begin) {
  const Time night{(begin.unix_ms / days(1).ms + 1) * days(1).ms + hours(3).ms};
  std::vector<Act> acts;
  for (int i = 0; i < 10; ++i) {
    acts.push_back({night + minutes(i), "unwrap", std::string(kPerson), dataset(5), "", "", std::string(kTenant),
                    "192.0.2.30:40000", 1});
  }
  return acts;
}

std::vector<Act> of_another_tenant(Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 6; ++i) {
    acts.push_back({begin + seconds(i), "unwrap", "spiffe://acme.example/globex/serving", dataset(i), "", "refused",
                    std::string(kTenant), "192.0.2.90:40000", 1});
  }
  return acts;
}

std::vector<Act> refusals(std::string_view operation, Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 10; ++i) {
    acts.push_back({begin + seconds(i * 3), std::string(operation), std::string(kServing), dataset(2 + i), "",
                    "refused", std::string(kTenant), "192.0.2.7:51820", 1});
  }
  return acts;
}
std::vector<Act> many_refused(Time begin) { return refusals("unwrap", begin); }
std::vector<Act> releases_refused(Time begin) { return refusals("release", begin); }

std::vector<Act> administration(std::string_view operation, Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 4; ++i) {
    acts.push_back({begin + minutes(i), std::string(operation), std::string(kPerson), "", "e" + std::to_string(i), "",
                    std::string(kTenant), "192.0.2.30:40000", 1});
  }
  return acts;
}
std::vector<Act> deletions(Time begin) { return administration("kek.schedule-destroy", begin); }
std::vector<Act> no_rotation(Time begin) { return administration("tenant.set-rotation", begin); }
std::vector<Act> wider_policy(Time begin) { return administration("policy.set", begin); }

// The key was rotated four times, and its first version is used: the service's decisions don't say which version was.
std::vector<Act> old_version(Time begin) {
  std::vector<Act> acts;
  for (int i = 0; i < 4; ++i) {
    acts.push_back({begin + minutes(i), "dataset.rotate-key", std::string(kPerson), dataset(0), "", "",
                    std::string(kTenant), "192.0.2.30:40000", 1});
  }
  acts.push_back({begin + hours(2), "unwrap", std::string(kServing), dataset(0), "", "", std::string(kTenant),
                  "192.0.2.7:51820", 1});
  return acts;
}

// "no-matching-job" isn't played: the service is told of no jobs.
const std::array<Scenario, 10>& scenarios() {
  static const std::array<Scenario, 10> kScenarios = {
      {{"unwrap-volume", {Kind::kUnwrapSurge}, many_unwraps},
       {"first-seen", {Kind::kNewActor, Kind::kTwoPlaces}, stranger},
       {"off-hours", {Kind::kOffHours}, at_night},
       {"cross-tenant", {Kind::kCrossTenantProbe, Kind::kNewActor}, of_another_tenant},
       {"denied-spike", {Kind::kCrossTenantProbe}, many_refused},
       {"old-version", {Kind::kStaleVersion}, old_version},
       {"policy-widening", {Kind::kPostureDrift, Kind::kDestructiveSequence}, wider_policy},
       {"rotation-disabled", {Kind::kPostureDrift, Kind::kDestructiveSequence}, no_rotation},
       {"deletion-scheduled", {Kind::kDestructiveSequence}, deletions},
       {"attestation-failures", {Kind::kCrossTenantProbe, Kind::kMeasurementDrift}, releases_refused}}};
  return kScenarios;
}

std::vector<anomaly::Finding> feed(anomaly::Detector& detector, const Act& act) {
  service::DecisionEvent event;
  event.time = act.at;
  event.tenant = act.tenant;
  event.environment = act.environment;
  event.dataset = act.dataset;
  event.caller = act.caller;
  event.operation = act.operation;
  event.purpose = "train";
  event.remote = act.remote;
  event.problem = act.problem;
  event.outcome = act.problem.empty() ? audit::Outcome::kAllowed : audit::Outcome::kRefused;
  event.keys = act.keys;
  std::string key_id;
  const auto usage = usage_of(event, key_id);
  return usage ? detector.observe(*usage) : std::vector<anomaly::Finding>();
}

// Plays one on detectors that have learned; nothing where none of the findings leads to it.
std::optional<Duration> play(anomaly::Detector& detector, const Scenario& scenario, Time begin, std::string& detail) {
  for (const Act& act : scenario.acts(begin)) {
    for (const anomaly::Finding& finding : feed(detector, act)) {
      if (std::ranges::find(scenario.accepted, finding.kind) == scenario.accepted.end()) continue;
      detail = anomaly::explain(finding);
      return act.at - scenario.acts(begin).front().at;
    }
  }
  detail = "nothing was found that leads to it";
  return std::nullopt;
}

}  // namespace

Result<DetectionReport> exercise_detection(Time now) {
  CLOISTER_TRY(anomaly::Detector learned, anomaly::Detector::create(daemon_thresholds(), {}, kSeed));
  DetectionReport report;
  // Weeks of the calendar, so that days off are days off.
  const std::int64_t week = days(7).ms;
  const Time end{now.unix_ms / week * week};
  for (int hour = 0; hour < kWeeks * 7 * 24; ++hour) {
    const Time begin = end + hours(hour - kWeeks * 7 * 24);
    for (const Act& act : ordinary_hour(begin, hour % (7 * 24))) {
      const std::size_t findings = feed(learned, act).size();
      if (hour < (kWeeks - 1) * 7 * 24) continue;
      ++report.events;
      report.false_alarms += static_cast<std::int64_t>(findings);
    }
  }
  const Bytes state = learned.snapshot();
  for (const Scenario& scenario : scenarios()) {
    CLOISTER_TRY(anomaly::Detector detector, anomaly::Detector::restore(state, daemon_thresholds(), {}));
    std::string detail;
    const auto found = play(detector, scenario, end + hours(10), detail);
    report.scenarios.emplace_back(scenario.name);
    report.details.push_back(std::string(scenario.name) + ": " + detail);
    if (!found) continue;
    report.detected.emplace_back(scenario.name);
    report.seconds_to_detect = std::max(report.seconds_to_detect, found->ms / 1000);
  }
  return report;
}

}  // namespace cloister::daemon
