// Every key of a sealed object, derived from its DEK, and the one maker of chunk nonces.
// docs/formats/sealed-object.md, "Keys" and "Data".
#pragma once

#include "crypto/aead.h"
#include "crypto/secret.h"
#include "seal/preamble.h"

namespace cloister::seal {

std::array<std::uint8_t, 32> derive_commitment(const crypto::Dek& dek, const Preamble& preamble, ByteView page);
crypto::Secret derive_header_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page);
crypto::Secret derive_footer_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page);

// A key with the nonce that is used with it: once (META, digest), or as the base of counted nonces (payload).
struct KeyAndNonce {
  crypto::Secret key;
  crypto::Nonce nonce{};
};
KeyAndNonce derive_meta_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page);
KeyAndNonce derive_digest_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page);
KeyAndNonce derive_payload_key(const crypto::Dek& dek, const Preamble& preamble, std::uint64_t epoch);

inline constexpr unsigned kEpochLog2 = 16;

// What the first nonce byte says about a chunk: that it is the last of its run. kLogEnd exists in append logs only.
enum class Last : std::uint8_t { kNo = 0, kYes = 1, kLogEnd = 2 };
crypto::Nonce chunk_nonce(const crypto::Nonce& base, std::uint64_t index, Last last);

// Seals and opens chunks by index; keeps the key of the epoch it used last. One thread at a time: each worker has its
// own, made from the same DEK.
class ChunkCipher {
 public:
  ChunkCipher(const crypto::Dek& dek, const Preamble& preamble);
  // In place or apart, as crypto::Aead.
  void seal(std::uint64_t index, Last last, ByteView plaintext, MutableByteView out, crypto::Tag& tag);
  Status open(std::uint64_t index, Last last, ByteView ciphertext, ByteView tag, MutableByteView out);

 private:
  void use_epoch(std::uint64_t epoch);

  const crypto::Dek* dek_;
  const Preamble* preamble_;
  std::uint64_t epoch_ = ~std::uint64_t{0};
  crypto::Nonce base_{};
  std::optional<crypto::Aead> aead_;
};

}  // namespace cloister::seal
