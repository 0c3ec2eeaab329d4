// Detector: a workload that opens many more distinct datasets in a day than it ever does.
#pragma once

#include <cstdint>

#include "audit/anomaly/sketch.h"

namespace cloister::audit::anomaly {

struct Scene;

// Per family.
struct BreadthDay {
  std::int64_t day = -1;
  DistinctCounter datasets;
  FadingHistogram days;  // log(1 + distinct datasets) of the days that are over
  std::uint32_t days_seen = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(day, datasets, days, days_seen, first_index);
  }
  bool valid() const { return true; }
};

void watch_breadth(Scene& scene);

}  // namespace cloister::audit::anomaly
