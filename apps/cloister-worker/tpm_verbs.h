// What a machine does, once, for the key of its TPM that attests to be enrolled: docs/worker.md.
#pragma once

#include "worker/attester/tpm_device.h"

namespace cloister::worker {

// The identity that an operator makes a challenge of.
Result<std::string> tpm_identity(TpmDevice& device);
// The answer to that challenge. kDenied when it isn't this TPM's, or of another key; kInvalid for what is no challenge.
Result<std::string> answer_tpm_challenge(TpmDevice& device, std::string_view challenge);

}  // namespace cloister::worker
