// An assessment by its verdicts alone, for tests of what is made from one.
#pragma once

#include <map>
#include <string>

#include "posture/maturity.h"

namespace cloister::posture {

// Every control of the built-in catalogue has this status but those named; coverage in percent.
inline Assessment assessed(Status others, const std::map<std::string, Status>& named = {},
                           std::uint64_t coverage = 100) {
  Assessment out;
  for (const Control& control : built_in_catalogue().controls) {
    ControlAssessment& one = out.controls.emplace_back();
    one.control = control.id;
    const auto found = named.find(control.id);
    one.status = found == named.end() ? others : found->second;
  }
  out.coverage = {coverage, 100};
  return out;
}

}  // namespace cloister::posture
