// What a simulated TPM shows when its attestation key is to be enrolled: an endorsement key as the TCG's profile has
// it, which opens credentials by tests/support/tpm_opener.h.
#pragma once

#include "attest/tpm/enrolment.h"
#include "tests/support/simulated_tpm.h"

namespace cloister::testing {

attest::TpmIdentity simulated_identity(const TpmParts& parts = {});

}  // namespace cloister::testing
