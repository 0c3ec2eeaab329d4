#include "audit/anomaly/throttling.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::uint32_t kUsualKept = 50'000, kRecentKept = 400;
constexpr double kMinuteMs = 60'000;

}  // namespace

void watch_throttling(Scene& scene) {
  LatencyWatch& latency = scene.tenant.latency;
  if (scene.event.latency.ms > 0) {
    const double logarithm = std::log1p(static_cast<double>(scene.event.latency.ms));
    if (!scene.event.throttled) latency.usual.add(logarithm, kUsualKept);  // a flood doesn't teach what is usual
    latency.recent.add(logarithm, kRecentKept);
  }
  if (!scene.event.throttled) return;
  const Thresholds& thresholds = scene.thresholds;
  ThrottleBucket& bucket = scene.principal->throttle;
  const double minutes = static_cast<double>(scene.now.unix_ms - bucket.ms) / kMinuteMs;
  bucket.level = std::max(0.0, bucket.level - minutes * thresholds.throttle_leak_per_minute);
  if (bucket.level <= 0) bucket.first_index = scene.event.audit_index;
  bucket.level += 1;
  bucket.ms = scene.now.unix_ms;
  if (bucket.level < thresholds.throttle_bucket) return;
  Finding* finding = scene.tell(Kind::kThrottling, Severity::kMedium, scene.principal->id,
                                bucket.level / thresholds.throttle_bucket, bucket.first_index);
  if (finding == nullptr) return;
  finding->what =
      "goes on calling at more than " + number(thresholds.throttle_leak_per_minute) + " throttled calls a minute";
  finding->contributions = {{"throttled calls not yet leaked away", bucket.level, 0},
                            {"p99 latency of the tenant, ms", std::expm1(latency.recent.quantile(0.99)),
                             std::expm1(latency.usual.quantile(0.99))}};
}

}  // namespace cloister::audit::anomaly
