// How often a tenant's keys are asked for: a bucket of tokens for each tenant, filled at the rate of its quota.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "policy/request.h"

namespace cloister::service {

// Any thread may call.
class QuotaBuckets {
 public:
  // Takes one token of the tenant's. Nothing when there was one, else how long until there is the next. A quota that
  // was changed counts from now on; a clock that goes back gives nothing.
  std::optional<Duration> take(const std::string& tenant, const policy::Quota& quota, Time now);
  // Tenants remembered: few more than those whose buckets aren't full.
  std::size_t size() const;

 private:
  struct Bucket {
    double tokens = 0;
    Time filled;
    Time full_at;  // a bucket that is full again is as good as none
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace cloister::service
