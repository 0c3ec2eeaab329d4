// Detector: signs that a tenant's audit log was tampered with: a gap, a repetition, a clock that went back, a fork.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per tenant.
struct LogWatch {
  std::uint64_t last_index = 0;
  std::int64_t last_ms = -1;
  std::uint64_t head_size = 0, head_root = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(last_index, last_ms, head_size, head_root);
  }
  bool valid() const { return true; }
};

// `recorded_ms` as the record says it, before anything was made of it.
void watch_log(Scene& scene, std::int64_t recorded_ms);
void watch_head(Scene& scene, std::uint64_t size, std::uint64_t root);

}  // namespace cloister::audit::anomaly
