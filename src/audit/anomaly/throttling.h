// Detector: one principal that runs into the rate limit and doesn't slow down.
#pragma once

#include <cstdint>

#include "audit/anomaly/sketch.h"

namespace cloister::audit::anomaly {

struct Scene;

// Per principal: throttled calls in a bucket that leaks.
struct ThrottleBucket {
  double level = 0;
  std::int64_t ms = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(level, ms, first_index);
  }
  bool valid() const { return level >= 0; }
};

// Per tenant: log(1 + latency in ms), over a long time and of late.
struct LatencyWatch {
  FadingHistogram usual, recent;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(usual, recent);
  }
  bool valid() const { return true; }
};

void watch_throttling(Scene& scene);

}  // namespace cloister::audit::anomaly
