#include "audit/anomaly/hour_profile.h"

#include <algorithm>
#include <cmath>

namespace cloister::audit::anomaly {
namespace {

constexpr double kStepsPerLogarithm = 16;

std::uint8_t to_byte(double count) {
  return static_cast<std::uint8_t>(std::min(255.0, std::round(std::log1p(count) * kStepsPerLogarithm)));
}

double from_byte(std::uint8_t byte) { return byte == 0 ? 0 : std::expm1(byte / kStepsPerLogarithm); }

}  // namespace

// 1, 2, 3, … from the week of the first hour.
std::uint16_t HourProfile::week_of(std::int64_t hour) const {
  const std::int64_t week = hour / kWeek - first_hour_ / kWeek + 1;
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(week, 1, 0xFFFF));
}

HourProfile::History HourProfile::history_before(std::int64_t hour) const {
  const auto slot = static_cast<std::size_t>(hour % kWeek);
  if (week_[slot] == 0) return {};
  const int missed = week_of(hour) - week_[slot] - 1;  // -1: this very hour is closed, and doesn't count as before it
  History before{};
  for (int i = 0; i < static_cast<int>(kWeeks); ++i) {
    const int from = i - missed;
    if (from >= 0 && from < static_cast<int>(kWeeks))
      before[static_cast<std::size_t>(i)] = history_[slot][static_cast<std::size_t>(from)];
  }
  return before;
}

void HourProfile::close(std::int64_t hour, double count) {
  const auto slot = static_cast<std::size_t>(hour % kWeek);
  History history = history_before(hour);
  std::ranges::rotate(history, history.end() - 1);
  history[0] = to_byte(count);
  history_[slot] = history;
  week_[slot] = week_of(hour);
}

HourProfile::Known HourProfile::known_before(std::int64_t hour) const {
  const std::int64_t seen = (hour - first_hour_) / kWeek;
  if (seen < 1) return {};
  const bool closed = week_[static_cast<std::size_t>(hour % kWeek)] == week_of(hour);
  Known known{history_before(hour), std::min(static_cast<std::size_t>(seen), closed ? kWeeks - 1 : kWeeks)};
  std::sort(known.values.begin(), known.values.begin() + static_cast<std::ptrdiff_t>(known.weeks));
  return known;
}

std::optional<double> HourProfile::usual(std::int64_t hour) const {
  const Known known = known_before(hour);
  if (known.weeks == 0) return std::nullopt;
  return from_byte(known.values[known.weeks <= 2 ? known.weeks - 1 : known.weeks - 2]);
}

std::optional<double> HourProfile::typical(std::int64_t hour) const {
  const Known known = known_before(hour);
  if (known.weeks < 2) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < known.weeks; ++i) sum += from_byte(known.values[i]);
  return sum / static_cast<double>(known.weeks);
}

std::optional<double> HourProfile::usual_around(std::int64_t hour) const {
  std::optional<double> largest = usual(hour);
  if (!largest) return largest;
  for (const std::int64_t near : {hour - 1, hour + 1}) largest = std::max(*largest, usual(near).value_or(0));
  return largest;
}

}  // namespace cloister::audit::anomaly
