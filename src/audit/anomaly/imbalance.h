// Detector: a key under which much is wrapped and little unwrapped, until one day it is the other way round.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per key.
struct ShareHistory {
  std::int64_t day = -1;
  double unwraps = 0, wraps = 0;            // DEKs today
  double past_unwraps = 0, past_wraps = 0;  // on the days before, fading by a tenth a day
  double peak = 0;                          // the highest share of unwraps in a day, fading by a fiftieth a day
  std::uint32_t days_seen = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(day, unwraps, wraps, past_unwraps, past_wraps, peak, days_seen, first_index);
  }
  bool valid() const { return unwraps >= 0 && wraps >= 0 && past_unwraps >= 0 && past_wraps >= 0 && peak >= 0; }
};

void watch_imbalance(Scene& scene);

}  // namespace cloister::audit::anomaly
