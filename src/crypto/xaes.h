// XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM with a 24-byte random nonce, for wraps without a use limit per key.
#pragma once

#include "base/bytes.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace cloister::crypto {

inline constexpr std::size_t kXaesNonceSize = 24;

// One key, prepared once. One thread at a time.
class Xaes {
 public:
  explicit Xaes(const Secret& key);
  Xaes(Xaes&&) noexcept;
  Xaes& operator=(Xaes&&) noexcept;
  ~Xaes();

  // ciphertext || tag.
  Bytes seal(ByteView nonce, ByteView aad, const Secret& plaintext);
  // kDenied when key, context or bytes don't fit together.
  Result<Secret> open(ByteView nonce, ByteView aad, ByteView ciphertext_and_tag);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A local wrap of a 32-byte key: nonce (24) || ciphertext (32) || tag (16) = 72 bytes. The context is the AAD.
inline constexpr std::size_t kLocalWrapSize = 72;
Bytes local_wrap(Xaes& wrapping_key, Random& random, ByteView context, const KeyMaterial& key);
Result<KeyMaterial> local_unwrap(Xaes& wrapping_key, ByteView context, ByteView wrapped);

}  // namespace cloister::crypto
