#include "base/clock.h"

#include <cstdio>
#include <ctime>

namespace cloister {

Time system_time() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Time{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

std::string to_rfc3339(Time time) {
  std::int64_t seconds = time.unix_ms / 1000;
  std::int64_t ms = time.unix_ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  const auto clock = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&clock, &parts);
  char date[32];
  char text[64];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(ms));
  return text;
}

namespace {

bool read_digits(std::string_view text, std::size_t at, std::size_t count, int& value) {
  value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

}  // namespace

Result<Time> parse_rfc3339(std::string_view text) {
  const Error wrong(Code::kInvalid, "a time is written like 2026-11-24T13:23:09Z");
  if ((text.size() != 20 && text.size() != 24) || text.back() != 'Z') return wrong;
  int year, month, day, hour, minute, second, ms = 0;
  const bool digits = read_digits(text, 0, 4, year) && read_digits(text, 5, 2, month) && read_digits(text, 8, 2, day) &&
                      read_digits(text, 11, 2, hour) && read_digits(text, 14, 2, minute) &&
                      read_digits(text, 17, 2, second) && (text.size() == 20 || read_digits(text, 20, 3, ms));
  const bool marks = text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':' &&
                     (text.size() == 20 || text[19] == '.');
  if (!digits || !marks || year < 1970 || hour > 23 || minute > 59 || second > 59) return wrong;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return wrong;
  const std::int64_t day_number = std::chrono::sys_days(date).time_since_epoch().count();
  return Time{((day_number * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + ms};
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cloister
