// The date as HTTP writes it: IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT". RFC 9110 5.6.7.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace cloister::net {

std::string to_http_date(Time time);
// kInvalid for anything else, the two obsolete forms too. The day of the week isn't looked at.
Result<Time> parse_http_date(std::string_view text);

}  // namespace cloister::net
