#include "audit/anomaly/imbalance.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/scene.h"
#include "audit/anomaly/tail_probability.h"

namespace cloister::audit::anomaly {
namespace {

constexpr double kDayKept = 0.9, kPeakKept = 0.98;
constexpr double kPastMin = 200;  // DEKs before a share means something
constexpr std::uint32_t kDaysMin = 7;

void close_day(ShareHistory& shares, std::int64_t today) {
  if (shares.day >= 0) {
    const std::int64_t gap = today - shares.day;
    const double faded = std::pow(kDayKept, static_cast<double>(gap));
    shares.peak = std::max(shares.peak, shares.peak_today) * std::pow(kPeakKept, static_cast<double>(gap));
    shares.past_unwraps = (shares.past_unwraps + shares.unwraps) * faded;
    shares.past_wraps = (shares.past_wraps + shares.wraps) * faded;
    shares.unwraps_yesterday = gap == 1 ? shares.unwraps : 0;
    shares.wraps_yesterday = gap == 1 ? shares.wraps : 0;
    ++shares.days_seen;
  }
  shares.day = today;
  shares.unwraps = shares.wraps = shares.peak_today = 0;
}

}  // namespace

void watch_imbalance(Scene& scene) {
  const bool unwraps = scene.event.operation == Operation::kUnwrap;
  if (!unwraps && scene.event.operation != Operation::kWrap) return;
  const Thresholds& thresholds = scene.thresholds;
  ShareHistory& shares = scene.key->shares;
  const std::int64_t today = scene.now.unix_ms / 86'400'000;
  if (shares.day != today) {
    close_day(shares, today);
    shares.first_index = scene.event.audit_index;
  }
  (unwraps ? shares.unwraps : shares.wraps) += scene.event.dek_count;
  const double unwrapped = shares.unwraps + shares.unwraps_yesterday;
  const double total = unwrapped + shares.wraps + shares.wraps_yesterday, share = unwrapped / total;
  const double past = shares.past_unwraps + shares.past_wraps;
  if (!unwraps || shares.unwraps < thresholds.imbalance_unwraps_min || past < kPastMin) return;
  shares.peak_today = std::max(shares.peak_today, share);
  if (shares.days_seen < kDaysMin || !scene.mature(scene.key->first_ms)) return;
  const double usual = std::max(shares.past_unwraps / past, 0.5 / past);
  if (usual > thresholds.imbalance_share_usual_max) return;
  if (share < std::max(usual, shares.peak) + thresholds.imbalance_share_excess) return;
  const double p = beta_binomial_tail(unwrapped, total, usual, thresholds.imbalance_concentration);
  if (p > thresholds.imbalance_p) return;
  Finding* finding = scene.tell(Kind::kImbalance, Severity::kMedium, scene.key->id, -std::log10(std::max(p, 1e-300)),
                                shares.first_index);
  if (finding == nullptr) return;
  finding->what = number(std::round(100 * share)) + " % of the DEKs of two days under key " +
                  printable(scene.event.key_id) + " were unwraps, where " + number(std::round(100 * usual)) +
                  " % is usual and " + number(std::round(100 * shares.peak)) + " % was the most";
  finding->contributions = {{"unwraps in two days", unwrapped, total * usual}, {"share of unwraps", share, usual}};
}

}  // namespace cloister::audit::anomaly
