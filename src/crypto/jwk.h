// Public keys as JSON, RFC 7517, 7518 6 and 8037.
#pragma once

#include "base/json.h"
#include "crypto/asymmetric_key.h"

namespace cloister::crypto {

// kUnsupported for a kty or crv that isn't used here, kInvalid for a malformed key and for one that comes with its
// private half.
Result<PublicKey> parse_jwk(const JsonValue& jwk);
// kty and what belongs to it, members in the order of their names. Add use and kid as you need them.
JsonValue::Object to_jwk(const PublicKey& key);
// The key's name for people who have only the key: SHA-256 of its members, base64url. RFC 7638.
std::string jwk_thumbprint(const PublicKey& key);

}  // namespace cloister::crypto
