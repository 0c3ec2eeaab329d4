// Signed notes: text with the signatures of named keys beneath it, as c2sp.org/signed-note has them, and timestamped
// cosignatures of witnesses, as c2sp.org/tlog-cosignature has them (version 1). docs/formats/audit-log.md says where
// this is stricter.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/signature.h"

namespace cloister::audit {

inline constexpr std::size_t kNoteSizeMax = 131'072;
inline constexpr std::size_t kNoteSignaturesMax = 100;
inline constexpr std::size_t kNoteSignatureSizeMax = 8192;
inline constexpr std::size_t kKeyNameSizeMax = 255;

// True for 1 to 255 bytes of plain UTF-8 without any Unicode space and without '+'.
bool is_key_name(std::string_view name);

enum class NoteKeyType : std::uint8_t {
  kEd25519 = 1,        // signs the text
  kCosignatureV1 = 4,  // Ed25519; signs the time and the text: a witness
};

// First four bytes of SHA-256(name || 0a || type || public key): says which key, proves nothing.
using NoteKeyId = std::array<std::uint8_t, 4>;

// A public key with its name. Whoever has one has a well-formed one.
class VerifierKey {
 public:
  // kInvalid for a name that is none.
  static Result<VerifierKey> make(std::string_view name, NoteKeyType type, const crypto::Ed25519PublicKey& key);
  // NAME+ID+BASE64(type || key), as text() gives it. kInvalid for anything else, kUnsupported for another type.
  static Result<VerifierKey> parse(std::string_view text);

  const std::string& name() const { return name_; }
  NoteKeyType type() const { return type_; }
  const NoteKeyId& id() const { return id_; }
  const crypto::Ed25519PublicKey& public_key() const { return public_key_; }
  std::string text() const;

 private:
  VerifierKey(std::string_view name, NoteKeyType type, const crypto::Ed25519PublicKey& key);

  std::string name_;
  NoteKeyType type_;
  NoteKeyId id_;
  crypto::Ed25519PublicKey public_key_;
};

// One signature line: "— NAME BASE64(id || signature)". Any key's, not yet verified.
struct NoteSignature {
  std::string name;
  NoteKeyId id{};
  Bytes signature;
};

struct SignedNote {
  std::string text;  // with its last line feed, without the empty line
  std::vector<NoteSignature> signatures;
};

// kCorrupt unless it is well-formed and within the bounds above. Says nothing about any signature.
Result<SignedNote> parse_note(std::string_view note);
// One line, with its line feed: what a witness answers.
Result<NoteSignature> parse_note_signature(std::string_view line);

// kInvalid for what parse_note() would refuse.
Result<std::string> write_note(const SignedNote& note);
std::string write_note_signature(const NoteSignature& signature);

// A key that signs under a name. The SigningKey must outlive it.
class NoteSigner {
 public:
  static Result<NoteSigner> make(std::string_view name, NoteKeyType type, const crypto::SigningKey& key);
  static Result<NoteSigner> make(std::string_view name, NoteKeyType type, crypto::SigningKey&& key) = delete;

  const VerifierKey& verifier() const { return verifier_; }
  // `now` goes into a cosignature; a signature of the text alone has no time.
  NoteSignature sign(std::string_view text, Time now) const;

 private:
  NoteSigner(VerifierKey verifier, const crypto::SigningKey& key) : verifier_(std::move(verifier)), key_(&key) {}

  VerifierKey verifier_;
  const crypto::SigningKey* key_;
};

struct VerifiedSignature {
  std::size_t key = 0;                        // position in the keys that were given
  std::optional<std::uint64_t> unix_seconds;  // of a cosignature
};

// Each known key that signed, once, in the order of the lines. Lines of unknown keys are passed over. kDenied when no
// known key signed; kCorrupt when a signature of a known key isn't right; kInvalid when two keys have one name and id.
Result<std::vector<VerifiedSignature>> verify_note(const SignedNote& note, std::span<const VerifierKey> keys);

}  // namespace cloister::audit
