// Agreeing on a secret with a key on a NIST curve (SP 800-56A, ECDH). Used by sources of crypto alone.
#pragma once

#include "crypto/asymmetric_key.h"
#include "crypto/openssl_handles.h"

namespace cloister::crypto {

Error agreement_failed();  // kDenied: nothing was agreed on, and why is nobody's business

PkeyHandle public_handle(const PublicKey& key);

// A key pair for one message.
struct EphemeralKey {
  PkeyHandle handle;
  PublicKey public_key;
};
Result<EphemeralKey> ephemeral_on(KeyType curve, Random& random);

// The shared point's x. kDenied when there is none.
Result<Secret> agree_on_secret(EVP_PKEY* own, const PublicKey& peer);

}  // namespace cloister::crypto
