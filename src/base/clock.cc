#include "base/clock.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace cloister {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether `text` starts with `shape`, in which a 0 is any digit.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() >= shape.size() && std::equal(shape.begin(), shape.end(), text.begin(),
                                                   [](char s, char t) { return s == '0' ? is_digit(t) : s == t; });
}

int number(std::string_view text, std::size_t at, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(at, size)) value = value * 10 + (c - '0');
  return value;
}

// Takes ".5" off the front of `rest`.
std::int64_t take_fraction_ms(std::string_view& rest) {
  if (!has_shape(rest, ".0")) return 0;
  const auto end = std::find_if_not(rest.begin() + 1, rest.end(), is_digit);
  const std::string_view digits = rest.substr(1, static_cast<std::size_t>(end - rest.begin()) - 1);
  std::string three(digits.substr(0, 3));
  three.resize(3, '0');
  rest.remove_prefix(digits.size() + 1);
  return number(three, 0, 3);
}

}  // namespace

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

Result<Time> parse_rfc3339(std::string_view text) {
  const Error refusal(Code::kInvalid, "a time like 2026-11-24T13:23:09Z is needed");
  if (!has_shape(text, "0000-00-00T00:00:00")) return refusal;
  const std::chrono::year_month_day day = std::chrono::year(number(text, 0, 4)) /
                                          static_cast<unsigned>(number(text, 5, 2)) /
                                          static_cast<unsigned>(number(text, 8, 2));
  const int hour = number(text, 11, 2), minute = number(text, 14, 2), second = number(text, 17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return refusal;
  std::string_view rest = text.substr(19);
  const std::int64_t fraction_ms = take_fraction_ms(rest);
  std::int64_t offset_minutes = 0;
  if (rest != "Z") {
    const bool is_offset = rest.size() == 6 && (has_shape(rest, "+00:00") || has_shape(rest, "-00:00"));
    if (!is_offset || number(rest, 1, 2) > 23 || number(rest, 4, 2) > 59) return refusal;
    offset_minutes = (number(rest, 1, 2) * 60 + number(rest, 4, 2)) * (rest.front() == '-' ? -1 : 1);
  }
  const std::int64_t day_number = std::chrono::sys_days(day).time_since_epoch().count();
  const std::int64_t minutes = day_number * 1440 + hour * 60 + minute - offset_minutes;
  return Time{(minutes * 60 + second) * 1000 + fraction_ms};
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cloister
