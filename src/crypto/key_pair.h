// Key pairs that the service holds or hands out for others: made, written and used through OpenSSL alone, RSA among
// them. For certificates and tokens of our own there is crypto/asymmetric_key.h.
#pragma once

#include "crypto/asymmetric_key.h"

namespace cloister::crypto {

enum class PairKind { kP256, kP384, kEd25519, kRsa2048, kRsa3072, kRsa4096 };

struct MadePair {
  Secret private_key;  // PKCS #8, DER
  Bytes public_key;    // SubjectPublicKeyInfo, DER
};

// By OpenSSL's own randomness: kInternal when it fails. RSA takes up to a second.
Result<MadePair> generate_key_pair(PairKind kind);

// What is signed: the message, or a digest that the caller made of it. Ed25519 takes messages only (kInvalid).
enum class Signed { kMessage, kDigest };

// RSA-PSS salts are as long as the digest; ECDSA signatures DER. kInvalid for a key that isn't one, doesn't sign with
// that algorithm, or a digest of the wrong length.
Result<Bytes> sign_with(const Secret& private_key, SignatureAlgorithm algorithm, Signed what, ByteView bytes);
// kCorrupt when the signature isn't this key's over it; the rest as above.
Status verify_with(ByteView public_key, SignatureAlgorithm algorithm, Signed what, ByteView bytes, ByteView signature);

// HMAC (FIPS 198-1) with SHA-2 of that many bits: 256, 384 or 512.
Bytes hmac_sha2(unsigned bits, const Secret& key, ByteView bytes);

}  // namespace cloister::crypto
