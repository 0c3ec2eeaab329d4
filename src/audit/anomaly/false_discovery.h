// How small a p-value must be, when thousands are looked at: a budget of false discoveries that tests draw on.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cloister::audit::anomaly {

// Alpha-investing (Foster and Stine 2008) with a budget that comes back over time, so that a long quiet stream doesn't
// spend it for good (the decaying memory of Ramdas et al. 2017). Each test is taken at a fixed share of what is left:
// one that finds nothing costs its level, a discovery earns `payout`.
struct FalseDiscoveryBudget {
  double left = 0.05;
  std::int64_t refilled_ms = 0;

  struct Rules {
    double most = 0.05;             // never more than this is left
    double refill_per_week = 0.05;  // expected false discoveries a week
    double share_per_test = 0.001;
    double payout = 0.01;
  };

  double level(std::int64_t now_ms, const Rules& rules) {
    constexpr double kWeekMs = 7 * 86'400'000.0;
    const double weeks = static_cast<double>(std::max<std::int64_t>(0, now_ms - refilled_ms)) / kWeekMs;
    left = std::min(rules.most, left + weeks * rules.refill_per_week);
    refilled_ms = std::max(refilled_ms, now_ms);
    return left * rules.share_per_test;
  }
  void spend(std::int64_t now_ms, const Rules& rules) { left -= level(now_ms, rules); }
  bool discovers(double p, std::int64_t now_ms, const Rules& rules) {
    const double bar = level(now_ms, rules);
    left = p <= bar ? std::min(rules.most, left + rules.payout) : left - bar;
    return p <= bar;
  }
};

}  // namespace cloister::audit::anomaly
