// ECDSA P-384 signatures as devices and manifests carry them: r and s, 48 bytes each, big-endian.
#pragma once

#include "crypto/verification_cache.h"

namespace cloister::attest::nvidia {

// With SHA-384. kCorrupt when it isn't that certificate's key's over this message: of another length, r or s zero or
// not below the order; kUnsupported when the key isn't P-384.
Status verify_raw_p384(const crypto::Certificate& signer, ByteView message, ByteView signature,
                       crypto::VerificationCache* cache = nullptr);

}  // namespace cloister::attest::nvidia
