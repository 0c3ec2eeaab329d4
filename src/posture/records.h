// Records: what people say with their name, as facts of the kind "record". A machine checks that nothing is missing and
// that it isn't too old, never that it is true.
#pragma once

#include <string>

#include "posture/fact.h"

namespace cloister::posture {

// Why a record that takes something out of what is judged ("not-applicable", "decommission") has no effect now; empty:
// it has. It needs a reason, an owner and an approver who is somebody else, and holds for a year at most; that
// something was decommissioned stays true.
std::string problem_of_record(const Fact& record, Time now);

}  // namespace cloister::posture
