#include "audit/anomaly/off_hours.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::uint8_t kSeen = 16, kSeenOdd = 8, kUsual = 12;
constexpr std::uint32_t kHours = 24;

bool is_weekend(std::int64_t hour) {
  const std::int64_t weekday = (hour / kHours + 3) % 7;  // 1970 began on a Thursday; Monday is 0
  return weekday >= 5;
}

std::uint32_t distance_from_usual(const std::array<std::uint8_t, kHours>& seen, std::uint32_t hour) {
  for (std::uint32_t distance = 0; distance <= kHours / 2; ++distance) {
    const bool usual =
        seen[(hour + distance) % kHours] >= kUsual || seen[(hour + kHours - distance) % kHours] >= kUsual;
    if (usual) return distance;
  }
  return kHours;
}

}  // namespace

void HourHabits::enter(std::int64_t now_hour, std::uint64_t audit_index, std::uint32_t distance_odd, bool learning) {
  if (now_hour == hour) return;
  constexpr std::int64_t kWeek = 168;
  for (; week >= 0 && week < now_hour / kWeek; ++week) {
    if (now_hour / kWeek - week > kHours) week = now_hour / kWeek - kHours;  // faded to nothing long before
    for (auto* day : {&weekday, &weekend}) {
      for (std::uint8_t& seen : *day) seen = static_cast<std::uint8_t>(seen - (seen + 7) / 8);
    }
  }
  week = now_hour / kWeek;
  hour = now_hour;
  deks = 0;
  first_index = audit_index;
  auto& day = is_weekend(hour) ? weekend : weekday;
  const auto of_day = static_cast<std::uint32_t>(hour % kHours);
  distance = std::min(distance_from_usual(weekday, of_day), distance_from_usual(weekend, of_day));
  const std::uint8_t teaches = distance >= distance_odd && !learning ? kSeenOdd : kSeen;
  day[of_day] = static_cast<std::uint8_t>(std::min(255, day[of_day] + teaches));
  ++hours_seen;
}

bool HourHabits::keeps_hours(std::uint32_t distance_odd) const {
  constexpr std::uint32_t kCoveredMax = 21;
  std::uint32_t covered = 0;
  for (std::uint32_t i = 0; i < kHours; ++i) {
    if (std::min(distance_from_usual(weekday, i), distance_from_usual(weekend, i)) < distance_odd) ++covered;
  }
  return covered <= kCoveredMax;
}

void watch_hours(Scene& scene) {
  const Thresholds& thresholds = scene.thresholds;
  Family& family = *scene.family;
  HourHabits& habits = family.hours;
  const bool learning = !scene.mature(family.first_ms);
  habits.enter(scene.now.unix_ms / 3'600'000, scene.event.audit_index, thresholds.hours_distance_min, learning);
  // One administrative act weighs as much as the DEKs that make an hour worth a word.
  const bool uses_deks = is_key_use(scene.event.operation);
  habits.deks += uses_deks ? scene.event.dek_count : thresholds.hours_deks_min;
  if (learning || habits.hours_seen < thresholds.hours_active_min) return;
  if (habits.distance < thresholds.hours_distance_min || habits.deks < thresholds.hours_deks_min) return;
  if (!habits.keeps_hours(thresholds.hours_distance_min)) return;
  Finding* finding = scene.tell(Kind::kOffHours, Severity::kMedium, family.id, habits.distance, habits.first_index);
  if (finding == nullptr) return;
  const auto of_day = habits.hour % kHours;
  const bool weekend = is_weekend(habits.hour);
  finding->what = "was at work at " + std::to_string(of_day) + ":00 UTC on a " + (weekend ? "weekend" : "weekday") +
                  (habits.distance >= kHours
                       ? ", where it never works"
                       : ", " + std::to_string(habits.distance) + " hours from the nearest hour it usually works");
  finding->contributions = {{"hours from usual", double(habits.distance), 0},
                            {"DEKs and acts in this hour", habits.deks, 0}};
}

}  // namespace cloister::audit::anomaly
