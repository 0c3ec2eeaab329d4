// What a KMIP server made of a plaintext, as it is kept: docs/formats/kmip-wrap.md.
#pragma once

#include "crypto/random.h"
#include "kms/kmip/operations.h"
#include "kms/provider.h"

namespace cloister::kms::kmip {

// A cipher's number (u8), then: with GCM a nonce's size (u8), the nonce, the tag and the ciphertext; with key wrap the
// wrapped bytes.
Bytes serialize_blob(Cipher cipher, const Encrypted& encrypted);

struct Blob {
  Cipher cipher;
  Encrypted encrypted;
};
// kDenied for what isn't one: it can't be opened.
Result<Blob> parse_blob(ByteView bytes);

// Key wrap takes no additional data, and makes the same of the same: what is wrapped is 1 (u8), the plaintext's size
// (u8), 16 random bytes, the plaintext, the SHA-256 of the context's canonical bytes, and zeros up to a multiple of
// eight.
crypto::Secret bind_inside(const crypto::Secret& plaintext, const ContextMap& context, crypto::Random& random);
// kDenied when it was bound to another context, or wasn't made by bind_inside().
Result<crypto::Secret> open_bound(const crypto::Secret& bound, const ContextMap& context);

}  // namespace cloister::kms::kmip
