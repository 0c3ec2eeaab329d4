// One event with everything a detector needs to judge it: who, with which key, what is known of them, and the time.
#pragma once

#include <string_view>
#include <vector>

#include "audit/anomaly/finding.h"
#include "audit/anomaly/names.h"
#include "audit/anomaly/novelty.h"
#include "audit/anomaly/tenant_state.h"
#include "audit/anomaly/thresholds.h"
#include "audit/anomaly/usage_event.h"

namespace cloister::audit::anomaly {

// Wraps, unwraps and rewraps; everything else is an act of administration.
inline bool is_key_use(Operation operation) {
  return operation == Operation::kWrap || operation == Operation::kUnwrap || operation == Operation::kRewrap;
}

// Lives for the time of one event. Detectors read it, change the state it points to, and tell.
struct Scene {
  const UsageEvent& event;
  const Thresholds& thresholds;
  const Names& names;
  Tenant& tenant;
  Time now;

  // Hashes of the event's names; 0 where it has none.
  std::uint64_t key_id = 0, source_id = 0, region_id = 0, measurement_id = 0;
  Principal* principal = nullptr;  // always there but for records about the log and about keys
  Family* family = nullptr;        // for what was allowed
  KeyState* key = nullptr;         // where the event names a key, and either was allowed or the key is known
  Firsts firsts = {};
  bool planned = false;  // part of an announced job
  std::vector<Finding> findings = {};

  bool learning() const { return !mature(tenant.first_ms); }
  // Known for as long as learning takes, and so is the tenant.
  bool mature(std::int64_t first_ms) const {
    return now.unix_ms - std::max(first_ms, tenant.first_ms) >= thresholds.learning.ms;
  }
  const ClassPrior& prior() const { return thresholds.priors[static_cast<std::size_t>(tenant.kind)]; }

  // A finding to be filled with words and contributions; or nullptr, because the same kind was told of `subject` (a
  // hash of whatever makes two findings the same one) and is still open. A higher severity opens it anew. The pointer
  // lasts until the next call.
  Finding* tell(Kind kind, Severity severity, std::uint64_t subject, double score, std::uint64_t first_index);
};

}  // namespace cloister::audit::anomaly
