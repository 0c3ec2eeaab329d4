#include "audit/anomaly/unwrap_rate.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

std::string describe(const RateAlarm& alarm, std::string_view key) {
  const std::string under = " under key " + printable(key);
  switch (alarm.scale) {
    case RateAlarm::Scale::kMinute:
      return "unwrapped " + number(alarm.observed) + " DEKs" + under + " within a minute, where about " +
             number(std::round(alarm.expected)) + " are usual";
    case RateAlarm::Scale::kHour:
      return "unwrapped " + number(alarm.observed) + " DEKs" + under + " in this hour, where about " +
             number(std::round(alarm.expected)) + " are usual in this hour of the week";
    case RateAlarm::Scale::kYoung:
      return "unwrapped " + number(alarm.observed) + " DEKs" + under + " in this hour, more than the " +
             number(alarm.expected) + " of a tenant of its kind, while its own habits aren't known yet";
    case RateAlarm::Scale::kDrip:
      return "has been unwrapping somewhat more" + under + " than usual for days: about " +
             number(std::round(alarm.observed)) + " DEKs over what was expected";
  }
  return "";
}

void tell_rate(Scene& scene, const RateAlarm& alarm, std::uint64_t series) {
  const bool drip = alarm.scale == RateAlarm::Scale::kDrip;
  const double ratio = alarm.observed / std::max(1.0, alarm.expected);
  const Severity severity = !drip && ratio >= 20 ? Severity::kHigh : Severity::kMedium;
  Finding* finding =
      scene.tell(Kind::kUnwrapSurge, severity, scene.names.of(series, drip ? 2 : 1), alarm.z, alarm.first_index);
  if (finding == nullptr) return;
  finding->what = describe(alarm, scene.event.key_id);
  finding->contributions = {{drip ? "DEKs over the expectation" : "DEKs", alarm.observed, alarm.expected},
                            {drip ? "standard deviations, summed over days" : "robust z", alarm.z,
                             drip ? scene.thresholds.drip_limit : scene.thresholds.surge_z}};
  if (!scene.event.job_id.empty()) finding->contributions.push_back({"announced jobs of this name", 0, 1});
}

}  // namespace

void watch_rate(Scene& scene) {
  const std::uint64_t id = scene.names.of(scene.family->id, scene.key_id);
  RateSeries& series = *scene.tenant.series.find_or_insert(id).entry;
  const double ceiling = scene.prior().deks_per_hour;
  const RateVerdict verdict =
      series.add(scene.now, scene.event.dek_count, scene.event.audit_index, ceiling, scene.thresholds);
  const FalseDiscoveryBudget::Rules& rules = scene.thresholds.surge_discovery;
  FalseDiscoveryBudget& budget = scene.tenant.discoveries;
  if (verdict.tests > 0) budget.spend(scene.now.unix_ms, rules);
  if (verdict.drip) tell_rate(scene, *verdict.drip, id);
  if (!verdict.surge) return;
  const bool young = verdict.surge->scale == RateAlarm::Scale::kYoung;
  if (young || budget.discovers(verdict.surge->p, scene.now.unix_ms, rules)) tell_rate(scene, *verdict.surge, id);
}

}  // namespace cloister::audit::anomaly
