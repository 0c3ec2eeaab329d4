// A posture as OSCAL assessment results, version 1.2.1 of the schema. docs/formats/oscal.md.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

// One JSON object. A control that passes is a finding "satisfied", one that fails or stands under an exception "not
// satisfied" with a risk; one that could not be assessed is no finding, which OSCAL has no state for, but an
// observation that says so. UUIDs are made of what they name, so that runs can be compared.
std::string oscal_assessment_results(const Posture& posture);

}  // namespace cloister::posture::report
