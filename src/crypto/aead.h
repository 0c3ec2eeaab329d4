// Authenticated encryption: AES-256-GCM and AES-128-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), through
// OpenSSL's EVP.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

// AES-128-GCM only for protocols of others that name it (Oblivious HTTP); what Cloister keeps has 256-bit keys.
enum class AeadAlgorithm { kAes256Gcm, kChaCha20Poly1305, kAes128Gcm };

std::size_t aead_key_size(AeadAlgorithm algorithm);  // 32, 32, 16

inline constexpr std::size_t kNonceSize = 12;
inline constexpr std::size_t kTagSize = 16;
using Nonce = std::array<std::uint8_t, kNonceSize>;
using Tag = std::array<std::uint8_t, kTagSize>;

// One key, its schedule computed once. One thread at a time: each worker has its own.
// Never seals two different plaintexts under one nonce: the caller's nonce maker sees to that.
class Aead {
 public:
  // `key` has aead_key_size() bytes.
  Aead(AeadAlgorithm algorithm, const Secret& key);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  // `out` has plaintext.size() bytes and is either the same memory as `plaintext` or apart from it.
  void seal(const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out, Tag& tag);
  // kCorrupt when the tag doesn't fit; `out` is zeroed then. Same rule on memory. The tag is given as 16 bytes.
  Status open(const Nonce& nonce, ByteView aad, ByteView ciphertext, ByteView tag, MutableByteView out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::crypto
