// The drill "aead-limits": no key is used for more than it may be, because nothing can be asked of it.
#include <set>

#include "crypto/hash.h"
#include "redteam/cipher_drills.h"
#include "seal/keyring.h"
#include "seal/layout.h"
#include "seal/object_keys.h"
#include "seal/writer.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kLimits = "limits";
// SP 800-38D: at most 2^39 - 256 bits of one plaintext, and 2^32 uses of a key with nonces that may meet; a counter's
// don't. Fewer chunks than that make the advantage of who tells blocks apart small, too.
constexpr std::uint64_t kChunkBytesMax = std::uint64_t{1} << 22;
constexpr std::uint64_t kChunksPerKeyMax = std::uint64_t{1} << 16;
constexpr std::string_view kRemedy = "a key can be used for more than it is good for: don't seal with this build";

seal::Preamble preamble_of(const Field& field) {
  seal::Preamble out;
  out.context.tenant = "redteam-alder";
  field.random->fill(out.object_id);
  field.random->fill(out.salt);
  field.random->fill(out.run_id);
  return out;
}

Status checked(unsigned chunk_log2) {
  seal::SealOptions options;
  options.context.tenant = "redteam-alder";
  options.chunk_log2 = static_cast<std::uint8_t>(chunk_log2);
  return seal::check_seal_options(options);
}

Status holds(bool so, std::string otherwise) {
  return so ? Status() : Status(Error(Code::kDenied, std::move(otherwise)));
}

// Keys of chunks that lie so far apart.
void key_epochs(const Field& field, Tally& tally) {
  const seal::Preamble preamble = preamble_of(field);
  const crypto::Dek dek = crypto::Dek::random(*field.random);
  const std::uint64_t chunks = seal::kPayloadMax >> 14;  // of the largest payload in the smallest chunks
  std::set<crypto::Sha256Digest> keys;
  std::size_t asked = 0;
  for (std::uint64_t epoch = 0; epoch < chunks >> seal::kEpochLog2; epoch = epoch * 2 + 1) {
    keys.insert(crypto::sha256(seal::derive_payload_key(dek, preamble, epoch).key.expose()));
    ++asked;
  }
  tally.holds(
      "each epoch of " + std::to_string(std::uint64_t{1} << seal::kEpochLog2) + " chunks has a key of its own",
      holds(keys.size() == asked && (std::uint64_t{1} << seal::kEpochLog2) <= kChunksPerKeyMax, "a key is used again"),
      kLimits);

  // As chunks are really sealed: what the last of an epoch is under doesn't open the first of the next.
  const Bytes plaintext(64, 'L');
  const std::uint64_t first = std::uint64_t{1} << seal::kEpochLog2;
  seal::ChunkCipher cipher(dek, preamble);
  Bytes sealed(plaintext.size()), out(plaintext.size());
  crypto::Tag tag;
  cipher.seal(first, seal::Last::kNo, plaintext, sealed, tag);
  tally.honest("the first chunk of the second epoch", cipher.open(first, seal::Last::kNo, sealed, tag, out));
  const seal::KeyAndNonce before = seal::derive_payload_key(dek, preamble, 0);
  crypto::Aead aead(seal::aead_algorithm(preamble.suite), before.key);
  tally.attack("the same with the key of the first epoch",
               aead.open(seal::chunk_nonce(before.nonce, first, seal::Last::kNo), {}, sealed, tag, out), kLimits);
}

// Versions of a dataset key are counted, and don't begin again.
void key_versions(const Field& field, Tally& tally) {
  constexpr int kVersionsTried = 5000;
  auto keyring = seal::Keyring::create({"redteam-alder", "", "limits"}, field.now, *field.random);
  if (!keyring.ok()) return tally.cannot(keyring.error().message());
  Status came;
  std::uint32_t newest = 1;
  for (int i = 0; i < kVersionsTried && came.ok(); ++i) {
    const auto rotated = keyring->rotate(field.now);
    if (rotated.ok() && *rotated != newest + 1)
      return tally.attack("a version that was there before", Status(), kLimits);
    if (rotated.ok()) newest = *rotated;
    if (!rotated.ok()) came = rotated.error();
  }
  tally.attack("a version after version " + std::to_string(newest), came, kLimits);
}

}  // namespace

Report run_aead_limits(const Field& field) {
  Tally tally(field, "aead-limits", std::string(kRemedy));
  for (const unsigned log2 : {14U, 22U}) {
    tally.honest("chunks of 2^" + std::to_string(log2) + " bytes", checked(log2));
  }
  for (const unsigned log2 : {13U, 23U, 32U, 255U}) {
    tally.attack("chunks of 2^" + std::to_string(log2) + " bytes", checked(log2), kLimits);
  }
  const seal::Preamble preamble = preamble_of(field);
  tally.holds("a chunk's size", holds(preamble.chunk_size() <= kChunkBytesMax, "it is above 4 MiB"), kLimits);
  for (const std::uint64_t size : {seal::kPayloadMax + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    tally.attack("a payload of " + std::to_string(size) + " bytes", seal::Layout::create(preamble, size), kLimits);
  }
  key_epochs(field, tally);
  key_versions(field, tally);
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
