// Time as a value that is passed in: recorded evidence is judged at its own date, tests run at a date of their choice.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister {

struct Time {
  std::int64_t unix_ms = 0;
  friend auto operator<=>(const Time&, const Time&) = default;
};

struct Duration {
  std::int64_t ms = 0;
  friend auto operator<=>(const Duration&, const Duration&) = default;
};

constexpr Duration days(std::int64_t count) { return Duration{count * 86'400'000}; }
constexpr Duration hours(std::int64_t count) { return Duration{count * 3'600'000}; }
constexpr Duration minutes(std::int64_t count) { return Duration{count * 60'000}; }
constexpr Duration seconds(std::int64_t count) { return Duration{count * 1'000}; }
inline Time operator+(Time time, Duration duration) { return Time{time.unix_ms + duration.ms}; }
inline Duration operator-(Time later, Time earlier) { return Duration{later.unix_ms - earlier.unix_ms}; }

// The system's clock. Only programs call it, and hand the value down.
Time system_time();

// RFC 3339 in UTC with milliseconds: 2026-11-24T13:23:09.000Z.
std::string to_rfc3339(Time time);
// RFC 3339 with any offset: 2026-11-24T13:23:09Z, 2026-11-24T14:23:09.5+01:00. What is finer than a millisecond is cut
// off. kInvalid for anything else, lower case and leap seconds too.
Result<Time> parse_rfc3339(std::string_view text);

// Seconds since an arbitrary start, never going back: for rates and progress.
double monotonic_seconds();

}  // namespace cloister
