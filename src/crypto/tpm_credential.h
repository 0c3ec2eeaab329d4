// Sealing a secret to a TPM 2.0 so that it opens it only beside one named key: what TPM2_MakeCredential does, without a
// TPM. TCG TPM 2.0 Library, part 1: 24 and B.10.4, C.6.4.
#pragma once

#include "crypto/asymmetric_key.h"

namespace cloister::crypto {

enum class TpmNameHash { kSha256, kSha384, kSha512 };

// What the endorsement key's public area says that its children are protected with: AES in CFB mode.
struct TpmProtection {
  TpmNameHash hash = TpmNameHash::kSha256;
  unsigned aes_bits = 128;  // 128 or 256
};

// What TPM2_ActivateCredential takes: the contents of a TPM2B_ID_OBJECT and of a TPM2B_ENCRYPTED_SECRET.
struct SealedTpmCredential {
  Bytes object;
  Bytes secret;
};

// `endorsement` is RSA, or on P-256, P-384 or P-521. kInvalid when the credential is empty or longer than a digest, or
// the key is of another kind; kDenied when nothing can be agreed on with the key.
Result<SealedTpmCredential> seal_tpm_credential(const PublicKey& endorsement, const TpmProtection& protection,
                                                ByteView key_name, const Secret& credential, Random& random);

}  // namespace cloister::crypto
