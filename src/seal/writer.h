// Seals one payload into one object. docs/formats/sealed-object.md.
#pragma once

#include <functional>
#include <span>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "seal/meta.h"
#include "seal/preamble.h"

namespace cloister::seal {

enum class PayloadDigest { kNone, kSha256 };

struct SealOptions {
  Suite suite = Suite::kAes256Gcm;
  std::uint8_t chunk_log2 = 20;  // 14..22; 16 suits random access to small samples
  std::uint32_t slots_cap = 0;   // 0: the smallest that holds the slots twice over
  PayloadDigest payload_digest = PayloadDigest::kNone;
  PublicContext context;  // tenant required
  Meta meta;
  // 0: each wrapper is given the DEK. Else each is given a share of it, and so many of them are needed to open.
  unsigned share_threshold = 0;
  unsigned threads = 0;  // 0: one per processor, at most 16
};

// kInvalid for what no reader would take.
Status check_seal_options(const SealOptions& options);

struct SealedSummary {
  Id object_id{};
  std::uint64_t plaintext_bytes = 0;
  std::uint64_t object_bytes = 0;
  crypto::Sha256Digest object_digest{};  // SHA-256 of the footer page: what a manifest lists
};

// Seals all of `source` into `target`, an empty file open for reading and writing, with a fresh DEK that each of
// `wrappers` (at least one) wraps into a slot, or a share of it. A regular file is read by position from several
// threads; anything else is read as it comes. Memory stays bounded (a few MiB a thread) whatever the size. Doesn't
// sync: FileReplacement does. kInvalid: bad options, or the source changed size meanwhile. kUnavailable: progress asked
// to stop.
Result<SealedSummary> seal_payload(const File& source, const File& target, const SealOptions& options,
                                   std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                   Progress& progress);

// A payload that is read by position from wherever it is, by several threads at once: another object, for one.
struct PayloadSource {
  std::uint64_t size = 0;
  std::function<Status(std::uint64_t offset, MutableByteView out)> read_at;
};
Result<SealedSummary> seal_source(const PayloadSource& source, const File& target, const SealOptions& options,
                                  std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                  Progress& progress);

// The same for bytes in memory.
Result<SealedSummary> seal_bytes(ByteView payload, const File& target, const SealOptions& options,
                                 std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random);

}  // namespace cloister::seal
