#include "audit/anomaly/breadth.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::uint32_t kDaysKept = 60;

}  // namespace

void watch_breadth(Scene& scene) {
  if (scene.event.dataset.empty()) return;
  const Thresholds& thresholds = scene.thresholds;
  BreadthDay& breadth = scene.family->breadth;
  const std::int64_t today = scene.now.unix_ms / 86'400'000;
  if (breadth.day != today) {
    if (breadth.day >= 0) {
      breadth.days.add(std::log1p(breadth.datasets.estimate()), kDaysKept);
      ++breadth.days_seen;
    }
    breadth.day = today;
    breadth.datasets.clear();
    breadth.first_index = scene.event.audit_index;
  }
  if (!breadth.datasets.add(scene.names.of(scene.key_id, scene.names.of(NameKind::kDataset, scene.event.dataset))))
    return;
  const double distinct = breadth.datasets.estimate();
  if (distinct < thresholds.breadth_min) return;
  const bool known = breadth.days_seen >= thresholds.breadth_days_min && scene.mature(scene.family->first_ms);
  const double usual = known ? std::expm1(breadth.days.quantile(thresholds.breadth_quantile))
                             : scene.prior().datasets_per_day / thresholds.breadth_ratio;
  if (distinct <= std::max(thresholds.breadth_min, usual * thresholds.breadth_ratio)) return;
  const double ratio = distinct / std::max(1.0, usual);
  Finding* finding =
      scene.tell(Kind::kBreadth, ratio >= 2 * thresholds.breadth_ratio ? Severity::kHigh : Severity::kMedium,
                 scene.family->id, ratio, breadth.first_index);
  if (finding == nullptr) return;
  finding->what = "opened about " + number(std::round(distinct)) + " distinct datasets today, where " +
                  number(std::round(usual)) +
                  (known ? " are much on a usual day" : " are much for a tenant of its kind");
  finding->contributions = {{"distinct datasets today", std::round(distinct), std::round(usual)}};
}

}  // namespace cloister::audit::anomaly
