// Ed25519 signatures, RFC 8032.
#pragma once

#include <array>

#include "base/bytes.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace cloister::crypto {

using Ed25519PublicKey = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

class SigningKey {
 public:
  static SigningKey generate(Random& random);
  static SigningKey from_seed(KeyMaterial seed);

  const Ed25519PublicKey& public_key() const { return public_key_; }
  const KeyMaterial& seed() const { return seed_; }
  Ed25519Signature sign(ByteView message) const;

 private:
  SigningKey(KeyMaterial seed, Ed25519PublicKey public_key) : seed_(std::move(seed)), public_key_(public_key) {}
  KeyMaterial seed_;
  Ed25519PublicKey public_key_;
};

// kCorrupt when the signature isn't this key's over this message.
Status verify_ed25519(const Ed25519PublicKey& key, ByteView message, ByteView signature);

}  // namespace cloister::crypto
