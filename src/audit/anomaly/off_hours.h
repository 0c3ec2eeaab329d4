// Detector: a workload or a person at work at an hour they never work.
#pragma once

#include <array>
#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per family: at which hours of a weekday and of a weekend day (UTC) it has been seen of late.
struct HourHabits {
  std::array<std::uint8_t, 24> weekday{}, weekend{};  // 16 for each such hour, fading by an eighth a week
  std::int64_t hour = -1;                             // the hour that runs
  std::int64_t week = -1;
  std::uint32_t hours_seen = 0;
  std::uint32_t distance = 0;  // of the running hour from the nearest usual one, when it began; 24: there is none
  double deks = 0;             // in the running hour
  std::uint64_t first_index = 0;

  // Begins the hour `now_hour` (since 1970) if it isn't running: an odd hour teaches half of a usual one.
  void enter(std::int64_t now_hour, std::uint64_t audit_index, std::uint32_t distance_odd, bool learning);
  // True when it has hours at all: at most 21 of 24 are within `distance_odd` of a usual one, on this kind of day.
  bool keeps_hours(std::uint32_t distance_odd) const;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(weekday, weekend, hour, week, hours_seen, distance, deks, first_index);
  }
  bool valid() const { return deks >= 0; }
};

void watch_hours(Scene& scene);

}  // namespace cloister::audit::anomaly
