#include "audit/anomaly/thresholds.h"

#include <string>
#include <string_view>

#include "audit/anomaly/destructive.h"
#include "audit/anomaly/places.h"
#include "audit/anomaly/probing.h"

namespace cloister::audit::anomaly {
namespace {

template <typename Number>
struct Bound {
  std::string_view name;
  Number value, least, most;
};

// Written so that NaN is out of bounds.
template <typename Number, std::size_t kCount>
Status check(const Bound<Number> (&bounds)[kCount]) {
  for (const auto& bound : bounds) {
    if (!(bound.value >= bound.least && bound.value <= bound.most)) {
      return Error(Code::kInvalid, "anomaly thresholds: " + std::string(bound.name) + " is out of its range");
    }
  }
  return {};
}

}  // namespace

Status Thresholds::validate() const {
  constexpr double kMany = 1e15;
  constexpr std::int64_t kYearMs = 366LL * 86'400'000;
  for (const ClassPrior& prior : priors) {
    CLOISTER_RETURN_IF_ERROR(check<double>({{"priors.deks_per_hour", prior.deks_per_hour, 1, kMany},
                                            {"priors.datasets_per_day", prior.datasets_per_day, 1, kMany}}));
  }
  CLOISTER_RETURN_IF_ERROR(check<std::int64_t>({{"learning", learning.ms, 0, kYearMs},
                                                {"cool_down", cool_down.ms, 0, kYearMs},
                                                {"reminder", reminder.ms, cool_down.ms, kYearMs},
                                                {"clock_regress", clock_regress.ms, 0, kYearMs},
                                                {"place_together", place_together.ms, 1000, kYearMs},
                                                {"place_travel", place_travel.ms, 0, kYearMs},
                                                {"stale_wrap_grace", stale_wrap_grace.ms, 0, kYearMs},
                                                {"dormant", dormant.ms, 1000, kYearMs}}));
  CLOISTER_RETURN_IF_ERROR(
      check<double>({{"surge_z", surge_z, 1, 100},
                     {"surge_minute_deks_min", surge_minute_deks_min, 1, kMany},
                     {"surge_minute_peak_ratio", surge_minute_peak_ratio, 1, kMany},
                     {"surge_hour_deks_min", surge_hour_deks_min, 1, kMany},
                     {"surge_hour_ratio", surge_hour_ratio, 1, kMany},
                     {"surge_spread_min", surge_spread_min, 0.01, 10},
                     {"surge_discovery.most", surge_discovery.most, 1e-9, 1},
                     {"surge_discovery.refill_per_week", surge_discovery.refill_per_week, 1e-9, kMany},
                     {"surge_discovery.share_per_test", surge_discovery.share_per_test, 1e-9, 0.5},
                     {"surge_discovery.payout", surge_discovery.payout, 0, 1},
                     {"drip_slack", drip_slack, 0, 100},
                     {"drip_limit", drip_limit, 0.1, 1000},
                     {"drip_day_clip", drip_day_clip, 0.1, 1000},
                     {"drip_day_spread_min", drip_day_spread_min, 0.01, 10},
                     {"drip_deks_min", drip_deks_min, 1, kMany},
                     {"drip_day_deks_soft", drip_day_deks_soft, 1, kMany}}));
  CLOISTER_RETURN_IF_ERROR(check<double>({{"breadth_min", breadth_min, 1, kMany},
                                          {"breadth_quantile", breadth_quantile, 0.01, 1},
                                          {"breadth_ratio", breadth_ratio, 1, kMany},
                                          {"imbalance_p", imbalance_p, 0, 1},
                                          {"imbalance_concentration", imbalance_concentration, 1, kMany},
                                          {"imbalance_share_usual_max", imbalance_share_usual_max, 0, 1},
                                          {"imbalance_share_excess", imbalance_share_excess, 0, 1},
                                          {"imbalance_unwraps_min", imbalance_unwraps_min, 1, kMany},
                                          {"novelty_bits", novelty_bits, 1, 1000},
                                          {"probe_burst", probe_burst, 1, kMany},
                                          {"hours_deks_min", hours_deks_min, 1, kMany},
                                          {"usage_limit_calls", usage_limit_calls, 1, kMany},
                                          {"usage_limit_exports", usage_limit_exports, 1, kMany},
                                          {"throttle_leak_per_minute", throttle_leak_per_minute, 0.001, kMany},
                                          {"throttle_bucket", throttle_bucket, 1, kMany}}));
  constexpr std::uint32_t kKeysMax = DestructiveWatch::Progress::kKeys - 1;
  return check<std::uint32_t>({{"breadth_days_min", breadth_days_min, 1, 365},
                               {"probe_tenant_critical", probe_tenant_critical, 1, 1'000'000},
                               {"probe_targets_min", probe_targets_min, 2, Refusals::kTargets / 2},
                               {"probe_context_targets_min", probe_context_targets_min, 1, Refusals::kTargets / 2},
                               {"place_turns", place_turns, 1, 1'000'000},
                               {"place_groups_max", place_groups_max, 1, 1'000'000},
                               {"hours_distance_min", hours_distance_min, 1, 12},
                               {"hours_active_min", hours_active_min, 1, 1'000'000},
                               {"stale_versions", stale_versions, 1, 1'000'000},
                               {"destructive_keys_min", destructive_keys_min, 2, kKeysMax}});
}

Status Limits::validate() const {
  for (const std::size_t limit : {tenants, principals, families, keys, series, seen, jobs, measurements, open}) {
    if (limit == 0 || limit > kMax) return Error(Code::kInvalid, "anomaly limits: each is from 1 to 1048576");
  }
  return {};
}

}  // namespace cloister::audit::anomaly
