// Objects and logs of our own, judged without any key: the header must parse, the key must be known, and what should be
// ciphertext must look like it. Somebody who copies a whole header in front of compressed plaintext gets by: only
// `cloister verify`, which has the key, tells that.
#pragma once

#include "posture/collect/content/known_keys.h"
#include "posture/collect/content/statistics.h"
#include "posture/collect/content/verdict.h"

namespace cloister::posture::content {

inline constexpr std::size_t kSealedMagicSize = 8;
bool has_sealed_magic(ByteView head);

struct SealedLook {
  std::uint64_t budget = 0;  // of bytes for statistics; 0: no bound
  MutableByteView buffer;    // kWindow bytes
};

// Of a file with the magic. Verdict kUnreadable where it can't be read; kPlaintextUnknownType where the magic stands
// before plaintext.
Finding judge_sealed(const Sample& sample, const KnownKeys& keys, const SealedLook& look);

// The state of the slots' keys: the best of those known; nothing where none is.
const KnownKeys::Version* resolve(const seal::SlotTable& slots, const KnownKeys& keys);

}  // namespace cloister::posture::content
