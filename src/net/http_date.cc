#include "net/http_date.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace cloister::net {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string to_http_date(Time time) {  // whatever the locale
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const std::time_t seconds = time.unix_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                                 parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)].data(),
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<Time> parse_http_date(std::string_view text) {
  const Error refusal(Code::kInvalid, "a date like Sun, 06 Nov 1994 08:49:37 GMT is needed");
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
      text.substr(25) != " GMT") {
    return refusal;
  }
  const auto* month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return refusal;
  const std::string number = std::to_string(month - kMonths.begin() + 101).substr(1);
  const auto time = parse_rfc3339(std::string(text.substr(12, 4)) + "-" + number + "-" +
                                  std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z");
  if (!time.ok()) return refusal;
  return time;
}

}  // namespace cloister::net
