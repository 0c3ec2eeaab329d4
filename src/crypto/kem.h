// The two key-encapsulation mechanisms under HPKE: DHKEM(X25519, HKDF-SHA256) of RFC 9180 4.1, and X-Wing. Used by
// hpke.cc and hpke_context.cc alone.
#pragma once

#include "crypto/hpke.h"

namespace cloister::crypto {

struct Encapsulation {
  Secret shared_secret;
  Bytes encapsulated;
};

Result<Bytes> kem_public_key(HpkeKem kem, const KeyMaterial& seed);
Status kem_check_public_key(HpkeKem kem, ByteView public_key);
Result<Encapsulation> kem_encapsulate(HpkeKem kem, ByteView public_key, Random& random);
Result<Secret> kem_decapsulate(HpkeKem kem, const KeyMaterial& seed, ByteView public_key, ByteView encapsulated);

// RFC 9180 4, HKDF-SHA256, `size` at most 32.
Secret labeled_extract(ByteView salt, ByteView suite_id, std::string_view label, ByteView input);
Secret labeled_expand(const Secret& key, ByteView suite_id, std::string_view label, ByteView info, std::size_t size);

}  // namespace cloister::crypto
