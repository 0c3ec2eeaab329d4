// Finds what is wrong in a stream of key uses: fifteen detectors, each explainable in one sentence. docs/anomalies.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "audit/anomaly/finding.h"
#include "audit/anomaly/thresholds.h"
#include "audit/anomaly/usage_event.h"
#include "base/bytes.h"
#include "base/result.h"

namespace cloister::audit::anomaly {

// Time comes with the events and nothing is random, so the same events give the same findings. An event takes amortised
// constant time; memory is bounded by Limits. Events of one tenant come in the order of its audit log; tenants may be
// interleaved. It never waits, and one thread at a time may call.
class Detector {
 public:
  // `seed` keys the hashes that names are kept as: random, and as secret as the audit log. kInvalid for thresholds or
  // limits that make no sense.
  static Result<Detector> create(const Thresholds& thresholds, const Limits& limits, std::uint64_t seed);
  // Goes on where snapshot() was taken, under thresholds and limits that may be others. kCorrupt for bytes that are no
  // snapshot or were damaged, kUnsupported for a later version, kInvalid for one that exceeds `limits`.
  static Result<Detector> restore(ByteView snapshot, const Thresholds& thresholds, const Limits& limits);

  // The most bytes a detector of these limits ever occupies: all tables full, one of them being copied,
  // without what the allocator adds.
  static std::size_t memory_max(const Limits& limits);

  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  // The whole state. Holds no names, but who knows the seed can confirm a guess: keep it as the audit log is kept.
  // docs/formats/anomaly-state.md.
  Bytes snapshot() const;

  void set_tenant_class(std::string_view tenant, TenantClass kind);
  // Announcing a job again replaces what was announced and starts its count over. kInvalid when a field is missing:
  // a job without a principal or a key would be a plan for anybody's anything.
  Status plan_job(std::string_view tenant, const PlannedJob& job);
  // The tenant's allow-set. While it is empty, a measurement is judged by whether it was seen before.
  void allow_measurement(std::string_view tenant, std::string_view measurement);

  // What this event completes, most often nothing.
  std::vector<Finding> observe(const UsageEvent& event);
  std::vector<Finding> observe(const KeyFacts& facts);
  std::vector<Finding> observe(const LogHead& head);

  struct Counts {
    std::size_t tenants = 0, principals = 0, families = 0, keys = 0, series = 0;
    std::uint64_t evictions = 0;  // of anything, since the start: if it grows every day, the limits are too small
  };
  Counts counts() const;

 private:
  struct State;
  explicit Detector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::audit::anomaly
