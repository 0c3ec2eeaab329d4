// Secrets sealed to a public key as JSON, RFC 7516 7.2.2 (flattened): key agreement ECDH-ES+A256KW on P-256, P-384 or
// P-521 (RFC 7518 4.6), or RSA-OAEP-256 (4.3); content A256GCM.
#pragma once

#include <string>

#include "base/json.h"
#include "crypto/asymmetric_key.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace cloister::crypto {

enum class JweAlgorithm { kEcdhEsA256Kw, kRsaOaep256 };

// The recipient's key with the algorithm it asks for.
struct JweRecipient {
  JweAlgorithm algorithm = JweAlgorithm::kEcdhEsA256Kw;
  PublicKey key;

  // From a JWK with `alg`. kUnsupported for RSA1_5 and every algorithm but those two; kInvalid where key and algorithm
  // don't fit, and as parse_jwk().
  static Result<JweRecipient> parse(const JsonValue& jwk);
};

// {"protected","encrypted_key","iv","ciphertext","tag"}. The protected header is alg, enc and then the others by name,
// without white space: guests of the Confidential Containers write it anew before they check it. `further` members are
// authenticated with it; alg, enc and epk are refused among them. kDenied when the key agreement fails.
Result<JsonValue::Object> seal_jwe(const JweRecipient& recipient, const Secret& plaintext,
                                   const JsonValue::Object& further, Random& random);

}  // namespace cloister::crypto
