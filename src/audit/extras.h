// What a record may say beyond an event: optional, typed, in a fixed order, and open to types this program doesn't
// know. docs/formats/audit-log.md.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace cloister::audit {

// Numbers are given out in docs/formats/audit-log.md, are never reused and never change their kind.
enum class Extra : std::uint16_t {
  kRequestId = 1,
  kServer = 2,
  kProgramDigest = 3,
  kSource = 4,
  kAuthentication = 5,
  kCredentialDigest = 6,
  kKeyVersion = 7,
  kKeyUse = 8,
  kPurpose = 9,
  kContextDigest = 10,
  kPolicy = 11,
  kPolicyDigest = 12,
  kTee = 13,
  kEvidenceDigest = 14,
  kJob = 15,
};

enum class ExtraKind { kText, kNumber, kDigest };

struct ExtraField {
  Extra type;
  std::string_view name;  // in an exported log
  ExtraKind kind;
  std::size_t size_max;
};

// Every type this program knows, ascending.
std::span<const ExtraField> extra_fields();
// Null for a type or a name it doesn't know.
const ExtraField* find_extra(std::uint16_t type);
const ExtraField* find_extra(std::string_view name);

inline constexpr std::size_t kExtrasMax = 32;
inline constexpr std::size_t kExtraSizeMax = 256;
inline constexpr std::uint64_t kNumberMax = (std::uint64_t{1} << 53) - 1;  // what every JSON reader holds exactly

class Extras {
 public:
  // For writers. Text is made recordable_text(); an empty one isn't kept. A number above kNumberMax becomes kNumberMax.
  // A value of another kind than the type's is a mistake of ours and stops the process.
  Extras& set_text(Extra type, std::string text);
  Extras& set_number(Extra type, std::uint64_t number);
  Extras& set_digest(Extra type, const crypto::Sha256Digest& digest);

  // For readers. kCorrupt for type 0, a type twice, a value over its bound, one that isn't of the known type's kind,
  // and the 33rd. An unknown type may hold any bytes.
  Status add(std::uint16_t type, ByteView value);

  // Nothing when it isn't there. The kind must be the type's.
  std::optional<std::string_view> text(Extra type) const;
  std::optional<std::uint64_t> number(Extra type) const;
  std::optional<crypto::Sha256Digest> digest(Extra type) const;

  // Ascending by type, unknown types too.
  const std::map<std::uint16_t, Bytes>& values() const { return values_; }
  bool empty() const { return values_.empty(); }
  friend bool operator==(const Extras&, const Extras&) = default;

  // u8 count, then per extra u16 type and lp(value), as a record ends.
  Bytes encode() const;
  // kCorrupt for anything but what encode() gives.
  static Result<Extras> parse(ByteView bytes);

 private:
  const Bytes* find(Extra type, ExtraKind kind) const;
  void put(Extra type, ExtraKind kind, ByteView value);

  std::map<std::uint16_t, Bytes> values_;
};

}  // namespace cloister::audit
