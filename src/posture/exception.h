// Who lives with a finding, why, and until when. One that isn't valid has no effect, and is reported.
// docs/formats/exceptions.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "posture/subject.h"

namespace cloister::posture {

inline constexpr Duration kExceptionMax = days(365);

struct Exception {
  std::string control;
  Subject subject;  // exactly one: no pattern
  std::string owner;
  std::string approver;  // somebody else
  std::string reason;
  std::string compensating_control;
  Time created;
  Time expires;
  std::string reopen_when;  // what ends it before that
  friend bool operator==(const Exception&, const Exception&) = default;
};

// kInvalid "line 12: …" for what isn't a list of exceptions; whether each is valid is asked by problem_of().
Result<std::vector<Exception>> parse_exceptions(std::string_view toml);

// Why it has no effect now; empty: it has.
std::string problem_of(const Exception& exception, Time now);

}  // namespace cloister::posture
