#include "seal/object_keys.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace cloister::seal {
namespace {

crypto::Secret derive(const crypto::Dek& dek, const Preamble& preamble, ByteView page, std::string_view label,
                      std::size_t size) {
  crypto::Info info(label);
  info.field_u16(static_cast<std::uint16_t>(preamble.suite)).field(preamble.object_id).field(preamble.salt);
  info.field(context_hash(page));
  return crypto::hkdf_expand_sha512(dek.material().secret(), info.view(), size);
}

KeyAndNonce split(const crypto::Secret& derived) {
  KeyAndNonce out{crypto::Secret::copy_of(derived.expose().first(crypto::kKeySize)), {}};
  std::ranges::copy(derived.expose().subspan(crypto::kKeySize), out.nonce.begin());
  return out;
}

constexpr std::size_t kKeyAndNonceSize = crypto::kKeySize + crypto::kNonceSize;

}  // namespace

std::array<std::uint8_t, 32> derive_commitment(const crypto::Dek& dek, const Preamble& preamble, ByteView page) {
  const crypto::Secret derived = derive(dek, preamble, page, "CLSR1 commitment", 32);
  std::array<std::uint8_t, 32> commitment;
  std::ranges::copy(derived.expose(), commitment.begin());
  return commitment;
}

crypto::Secret derive_header_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page) {
  return derive(dek, preamble, page, "CLSR1 header", crypto::kKeySize);
}

crypto::Secret derive_footer_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page) {
  return derive(dek, preamble, page, "CLSR1 footer", crypto::kKeySize);
}

KeyAndNonce derive_meta_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page) {
  return split(derive(dek, preamble, page, "CLSR1 meta", kKeyAndNonceSize));
}

KeyAndNonce derive_digest_key(const crypto::Dek& dek, const Preamble& preamble, ByteView page) {
  return split(derive(dek, preamble, page, "CLSR1 digest", kKeyAndNonceSize));
}

KeyAndNonce derive_payload_key(const crypto::Dek& dek, const Preamble& preamble, std::uint64_t epoch) {
  crypto::Info info("CLSR1 payload");
  info.field_u16(static_cast<std::uint16_t>(preamble.suite)).field(preamble.object_id).field(preamble.salt);
  info.field(preamble.run_id).field_u64(epoch);
  return split(crypto::hkdf_expand_sha512(dek.material().secret(), info.view(), kKeyAndNonceSize));
}

// SO-15: the one maker of nonces.
crypto::Nonce chunk_nonce(const crypto::Nonce& base, std::uint64_t index, Last last) {
  crypto::Nonce nonce = base;
  nonce[0] ^= static_cast<std::uint8_t>(last);
  std::uint8_t counter[8];
  store_be64(counter, index);
  for (std::size_t i = 0; i < sizeof counter; ++i) nonce[4 + i] ^= counter[i];
  return nonce;
}

ChunkCipher::ChunkCipher(const crypto::Dek& dek, const Preamble& preamble) : dek_(&dek), preamble_(&preamble) {}

void ChunkCipher::use_epoch(std::uint64_t epoch) {
  if (aead_ && epoch == epoch_) return;
  const KeyAndNonce derived = derive_payload_key(*dek_, *preamble_, epoch);
  aead_.emplace(aead_algorithm(preamble_->suite), derived.key);
  base_ = derived.nonce;
  epoch_ = epoch;
}

void ChunkCipher::seal(std::uint64_t index, Last last, ByteView plaintext, MutableByteView out, crypto::Tag& tag) {
  use_epoch(index >> kEpochLog2);
  aead_->seal(chunk_nonce(base_, index, last), {}, plaintext, out, tag);
}

Status ChunkCipher::open(std::uint64_t index, Last last, ByteView ciphertext, ByteView tag, MutableByteView out) {
  use_epoch(index >> kEpochLog2);
  return aead_->open(chunk_nonce(base_, index, last), {}, ciphertext, tag, out);
}

}  // namespace cloister::seal
