// Detector: attempts at keys of another tenant, and refusals that walk from key to key.
#pragma once

#include <array>
#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per principal.
struct Refusals {
  struct Target {
    std::uint64_t id = 0;  // of key and dataset
    std::int64_t last_ms = 0;
    bool by_ciphertext = false;  // wrong key, wrong context, malformed: not merely denied
    template <typename Archive>
    void transfer(Archive& archive) {
      archive(id, last_ms, by_ciphertext);
    }
    bool valid() const { return true; }
  };
  static constexpr std::size_t kTargets = 16;

  std::array<Target, kTargets> targets{};
  double burst = 0;  // refusals, a bucket that empties in ten minutes
  std::int64_t burst_ms = 0;
  std::uint32_t foreign = 0;  // attempts at another tenant's keys within a day
  std::int64_t foreign_ms = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(targets, burst, burst_ms, foreign, foreign_ms, first_index);
  }
  bool valid() const { return burst >= 0; }
};

// For events that were refused.
void watch_probing(Scene& scene);

}  // namespace cloister::audit::anomaly
