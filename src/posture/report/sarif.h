// A posture as SARIF 2.1.0, for code scanning and pipelines. docs/formats/posture-exports.md.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

// One JSON object: a rule for each control, a result for each verdict. What could not be assessed is a result of kind
// "open". An exception is a failing result with a suppression, whose expiry is a property, since SARIF has no place
// for it.
std::string sarif_report(const Posture& posture);

}  // namespace cloister::posture::report
