// What a file turned out to be. Statistics can prove plaintext; that something is protected takes a header that was
// parsed and a key that is known. docs/formats/facts.md, "content".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seal/slots.h"

namespace cloister::posture::content {

enum class Verdict : std::uint8_t {
  kSealed,                // an object or log of ours whose key is known
  kEncrypted,             // another format's header, and a key that is known
  kPlaintext,             // a format that was recognised
  kPlaintextUnknownType,  // no format that we know, and no ciphertext either
  kCompressed,            // readable by anyone who unpacks it
  kHighEntropyUnknown,    // may be ciphertext: proves nothing
  kEmpty,
  kUnreadable,
};
inline constexpr std::size_t kVerdictCount = 8;
std::string_view name_of(Verdict verdict);  // "sealed", "encrypted", "plaintext", …

// True for what anybody who has the file can read.
inline bool is_readable(Verdict verdict) {
  return verdict == Verdict::kPlaintext || verdict == Verdict::kPlaintextUnknownType || verdict == Verdict::kCompressed;
}

// A key that lies about in the clear: where, never what.
struct RawKey {
  std::string kind;  // "pem-private-key", "jwk", "raw-32-bytes", "key-file"
  std::uint64_t offset = 0;
};

// What the header of a sealed object says, and whether its key is known.
struct SealedHeader {
  seal::Preamble preamble;
  seal::SlotTable slots;
};

struct Finding {
  Verdict verdict = Verdict::kUnreadable;
  std::string type;    // "parquet", "gzip:jsonl", "age"; empty: none
  std::string reason;  // one line; empty where the type says it all
  std::vector<RawKey> raw_keys;
  std::optional<SealedHeader> sealed;  // of every object whose header parses, whatever the verdict
};

}  // namespace cloister::posture::content
