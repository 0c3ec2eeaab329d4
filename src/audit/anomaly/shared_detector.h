// A Detector that several threads feed: what a service calls once it has decided a request.
#pragma once

#include <mutex>

#include "audit/anomaly/detector.h"

namespace cloister::audit::anomaly {

// Any thread may call anything. A call waits for those before it: about a microsecond each, and for snapshot() as long
// as the state takes to write (docs/anomalies.md). Threads that race hand in events a little out of order: within
// Thresholds::clock_regress that is no news, and log_indices must be kReference.
class SharedDetector {
 public:
  explicit SharedDetector(Detector detector) : detector_(std::move(detector)) {}

  std::vector<Finding> observe(const UsageEvent& event) { return locked()->observe(event); }
  std::vector<Finding> observe(const KeyFacts& facts) { return locked()->observe(facts); }
  std::vector<Finding> observe(const LogHead& head) { return locked()->observe(head); }

  void set_tenant_class(std::string_view tenant, TenantClass kind) { locked()->set_tenant_class(tenant, kind); }
  Status plan_job(std::string_view tenant, const PlannedJob& job) { return locked()->plan_job(tenant, job); }
  void allow_measurement(std::string_view tenant, std::string_view measurement) {
    locked()->allow_measurement(tenant, measurement);
  }

  Bytes snapshot() { return locked()->snapshot(); }
  Detector::Counts counts() { return locked()->counts(); }

 private:
  // Held to the end of the expression it stands in.
  struct Locked {
    std::unique_lock<std::mutex> lock;
    Detector& detector;
    Detector* operator->() { return &detector; }
  };
  Locked locked() { return {std::unique_lock(mutex_), detector_}; }

  std::mutex mutex_;
  Detector detector_;
};

}  // namespace cloister::audit::anomaly
