// What a TPM does with a credential that was sealed to an RSA endorsement key of its: TPM2_ActivateCredential, with the
// key of tests/support/rsa_key.h and protection by SHA-256 and AES-128.
#pragma once

#include <optional>

#include "crypto/tpm_credential.h"

namespace cloister::testing {

// Nothing when the TPM would refuse: it was sealed to another key, for a key of another name, or changed.
std::optional<Bytes> open_tpm_credential(const crypto::SealedTpmCredential& sealed, ByteView key_name);

}  // namespace cloister::testing
