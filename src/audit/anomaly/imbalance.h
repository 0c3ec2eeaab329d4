// Detector: a key under which much is wrapped and little unwrapped, until one day it is the other way round.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per key.
struct ShareHistory {
  std::int64_t day = -1;
  double unwraps = 0, wraps = 0;                      // DEKs today
  double unwraps_yesterday = 0, wraps_yesterday = 0;  // a share of today alone would mean nothing in the small hours
  double past_unwraps = 0, past_wraps = 0;            // on the days before today, fading by a tenth a day
  double peak = 0, peak_today = 0;  // the highest share of unwraps over two days; peak fades by a fiftieth a day
  std::uint32_t days_seen = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(day, unwraps, wraps, unwraps_yesterday, wraps_yesterday, past_unwraps, past_wraps, peak, peak_today,
            days_seen, first_index);
  }
  bool valid() const {
    return unwraps >= 0 && wraps >= 0 && unwraps_yesterday >= 0 && wraps_yesterday >= 0 && past_unwraps >= 0 &&
           past_wraps >= 0 && peak >= 0 && peak_today >= 0;
  }
};

void watch_imbalance(Scene& scene);

}  // namespace cloister::audit::anomaly
