// A posture as OCSF events, Compliance Finding (class 2003) of version 1.5.0. docs/formats/posture-exports.md.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

// One JSON object a line, for each verdict. What could not be assessed has the compliance status "Unknown", an
// exception "Warning" and the event status "Suppressed".
std::string ocsf_findings(const Posture& posture);

}  // namespace cloister::posture::report
