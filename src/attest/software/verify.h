// The verdict on an insecure_software statement: never more than insecure_software, and only by a key the operator
// named.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

// Checks: parse, published-key, trusted-root, signature, validity, debug, report-data.
Verdict verify_software(const Evidence& evidence, const Question& question);

}  // namespace cloister::attest
