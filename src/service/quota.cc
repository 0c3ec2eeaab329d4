#include "service/quota.h"

#include <algorithm>
#include <cmath>

namespace cloister::service {

std::optional<Duration> QuotaBuckets::take(const std::string& tenant, const policy::Quota& quota, Time now) {
  const double per_ms = quota.requests_per_second / 1000.0;
  const double burst = std::max(1.0, static_cast<double>(quota.burst));
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= sweep_at_) {
    std::erase_if(buckets_, [now](const auto& bucket) { return bucket.second.full_at <= now; });
    sweep_at_ = std::max<std::size_t>(1024, 2 * buckets_.size());
  }
  Bucket& bucket = buckets_.try_emplace(tenant, Bucket{burst, now, now}).first->second;
  const auto passed = static_cast<double>(std::max<std::int64_t>(0, (now - bucket.filled).ms));
  bucket.tokens = std::min(burst, bucket.tokens + passed * per_ms);
  bucket.filled = std::max(bucket.filled, now);
  if (bucket.tokens < 1) {
    return Duration{static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / per_ms))};
  }
  bucket.tokens -= 1;
  bucket.full_at = bucket.filled + Duration{static_cast<std::int64_t>(std::ceil((burst - bucket.tokens) / per_ms))};
  return std::nullopt;
}

std::size_t QuotaBuckets::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace cloister::service
