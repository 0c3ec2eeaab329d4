// The cryptography of a posture as CycloneDX 1.7 CBOM: keys, algorithms, protocols, and the data that they protect.
// docs/formats/posture-exports.md.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

// One JSON object, from facts alone: what nobody looked at isn't in it. Which key wraps which, and which protects what,
// are dependencies; who manages a key and whose it is are properties, since the format has no fields for them.
std::string cyclonedx_cbom(const Posture& posture);

}  // namespace cloister::posture::report
