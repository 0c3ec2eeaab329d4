#include "audit/signed_note.h"

#include <algorithm>

#include "base/base64.h"
#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kLineStart = "\u2014 ";
constexpr std::size_t kTimeSize = 8;
constexpr std::uint64_t kSecondsMax = ~std::uint64_t{0} >> 1;

// Every code point with the Unicode property White_Space that plain UTF-8 can hold.
constexpr std::string_view kSpaces[] = {" ",      "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                        "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                        "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

NoteKeyId key_id(std::string_view name, NoteKeyType type, const crypto::Ed25519PublicKey& key) {
  Writer writer;
  writer.bytes(as_bytes(name)).u8('\n').u8(static_cast<std::uint8_t>(type)).bytes(key);
  const crypto::Sha256Digest digest = crypto::sha256(writer.view());
  NoteKeyId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

Error bad_key(std::string_view why) { return Error(Code::kInvalid, "a verifier key " + std::string(why)); }
Error bad_note(std::string_view why) { return Error(Code::kCorrupt, "a signed note " + std::string(why)); }

std::string cosigned_message(std::string_view text, std::uint64_t unix_seconds) {
  return "cosignature/v1\ntime " + std::to_string(unix_seconds) + "\n" + std::string(text);
}

std::uint64_t load_be64(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kTimeSize; ++i) value = value << 8 | bytes[i];
  return value;
}

// Lines of plain text, each ended by a line feed.
Status check_text(std::string_view text) {
  if (!text.ends_with('\n')) return bad_note("doesn't end with a line feed");
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!is_plain_utf8(text.substr(0, end))) return bad_note("isn't plain UTF-8 text");
    text.remove_prefix(end + 1);
  }
  return {};
}

Result<VerifiedSignature> verify_one(std::string_view text, const NoteSignature& signature, const VerifierKey& key,
                                     std::size_t position) {
  const Error refusal(Code::kCorrupt, "the signature by " + key.name() + " isn't this key's over this note");
  if (key.type() == NoteKeyType::kEd25519) {
    if (!crypto::verify_ed25519(key.public_key(), as_bytes(text), signature.signature).ok()) return refusal;
    return VerifiedSignature{position, std::nullopt};
  }
  if (signature.signature.size() != kTimeSize + sizeof(crypto::Ed25519Signature)) return refusal;
  const ByteView raw(signature.signature);
  const std::uint64_t seconds = load_be64(raw);
  if (seconds > kSecondsMax) return refusal;
  const std::string message = cosigned_message(text, seconds);
  if (!crypto::verify_ed25519(key.public_key(), as_bytes(message), raw.subspan(kTimeSize)).ok()) return refusal;
  return VerifiedSignature{position, seconds};
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > kKeyNameSizeMax || !is_plain_utf8(name)) return false;
  if (name.find('+') != std::string_view::npos) return false;
  return std::ranges::none_of(kSpaces, [name](auto space) { return name.find(space) != std::string_view::npos; });
}

VerifierKey::VerifierKey(std::string_view name, NoteKeyType type, const crypto::Ed25519PublicKey& key)
    : name_(name), type_(type), id_(key_id(name, type, key)), public_key_(key) {}

Result<VerifierKey> VerifierKey::make(std::string_view name, NoteKeyType type, const crypto::Ed25519PublicKey& key) {
  if (!is_key_name(name)) return bad_key("needs a name of 1 to 255 bytes without spaces, control characters and '+'");
  return VerifierKey(name, type, key);
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  const std::size_t after_name = text.find('+');
  if (after_name == std::string_view::npos) return bad_key("is NAME+ID+KEY");
  const std::string_view name = text.substr(0, after_name);
  const std::string_view rest = text.substr(after_name + 1);
  constexpr std::size_t kIdDigits = 2 * sizeof(NoteKeyId);
  if (rest.size() <= kIdDigits || rest[kIdDigits] != '+') return bad_key("has an id of eight digits between two '+'");
  // Longer texts hold no key of ours; decoding them would only cost memory.
  if (rest.size() > 4096) return bad_key("is too long");
  const auto raw = from_base64(rest.substr(kIdDigits + 1));
  if (!raw.ok()) return bad_key("isn't base64 after its id");
  if (raw->empty()) return bad_key("holds no key");
  const auto type = static_cast<NoteKeyType>(raw->front());
  if (type != NoteKeyType::kEd25519 && type != NoteKeyType::kCosignatureV1) {
    return Error(Code::kUnsupported, "a verifier key has type " + std::to_string(raw->front()) +
                                         ", this program knows 1 (Ed25519) and 4 (cosignature/v1)");
  }
  crypto::Ed25519PublicKey key;
  if (raw->size() != 1 + key.size()) return bad_key("holds a key of the wrong length");
  std::copy(raw->begin() + 1, raw->end(), key.begin());
  CLOISTER_TRY(VerifierKey parsed, make(name, type, key));
  if (to_hex(parsed.id()) != rest.substr(0, kIdDigits)) return bad_key("has an id that isn't its own");
  return parsed;
}

std::string VerifierKey::text() const {
  Bytes raw{static_cast<std::uint8_t>(type_)};
  raw.insert(raw.end(), public_key_.begin(), public_key_.end());
  return name_ + "+" + to_hex(id_) + "+" + to_base64(raw);
}

Result<NoteSignature> parse_note_signature(std::string_view line) {
  const Error refusal = bad_note("has a line among its signatures that isn't one");
  if (!line.starts_with(kLineStart) || !line.ends_with('\n')) return refusal;
  line.remove_prefix(kLineStart.size());
  line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return refusal;
  const std::string_view encoded = line.substr(space + 1);
  if (encoded.size() > (kNoteSignatureSizeMax + sizeof(NoteKeyId) + 2) / 3 * 4) return refusal;
  const auto raw = from_base64(encoded);
  NoteSignature signature;
  if (!raw.ok() || raw->size() <= signature.id.size()) return refusal;
  if (raw->size() > kNoteSignatureSizeMax + signature.id.size()) return refusal;
  signature.name = line.substr(0, space);
  std::copy_n(raw->begin(), signature.id.size(), signature.id.begin());
  signature.signature.assign(raw->begin() + static_cast<std::ptrdiff_t>(signature.id.size()), raw->end());
  return signature;
}

Result<SignedNote> parse_note(std::string_view note) {
  if (note.size() > kNoteSizeMax) return bad_note("is over 131072 bytes");
  CLOISTER_RETURN_IF_ERROR(check_text(note));
  const std::size_t gap = note.rfind("\n\n");
  if (gap == std::string_view::npos) return bad_note("has no empty line before its signatures");
  SignedNote parsed;
  parsed.text = note.substr(0, gap + 1);
  std::string_view lines = note.substr(gap + 2);
  while (!lines.empty()) {
    if (parsed.signatures.size() == kNoteSignaturesMax) return bad_note("has more than 100 signatures");
    const std::size_t size = lines.find('\n') + 1;
    CLOISTER_TRY(auto signature, parse_note_signature(lines.substr(0, size)));
    parsed.signatures.push_back(std::move(signature));
    lines.remove_prefix(size);
  }
  if (parsed.signatures.empty()) return bad_note("has no signature");
  return parsed;
}

std::string write_note_signature(const NoteSignature& signature) {
  Bytes raw(signature.id.begin(), signature.id.end());
  raw.insert(raw.end(), signature.signature.begin(), signature.signature.end());
  return std::string(kLineStart) + signature.name + " " + to_base64(raw) + "\n";
}

Result<std::string> write_note(const SignedNote& note) {
  std::string written = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) written += write_note_signature(signature);
  const auto read = parse_note(written);
  if (!read.ok()) return Error(Code::kInvalid, read.error().message());
  if (read->text == note.text) return written;
  return Error(Code::kInvalid, "a signed note's text ends with a line feed");
}

Result<NoteSigner> NoteSigner::make(std::string_view name, NoteKeyType type, const crypto::SigningKey& key) {
  CLOISTER_TRY(auto verifier, VerifierKey::make(name, type, key.public_key()));
  return NoteSigner(std::move(verifier), key);
}

NoteSignature NoteSigner::sign(std::string_view text, Time now) const {
  NoteSignature signature{verifier_.name(), verifier_.id(), {}};
  if (verifier_.type() == NoteKeyType::kEd25519) {
    const crypto::Ed25519Signature raw = key_->sign(as_bytes(text));
    signature.signature.assign(raw.begin(), raw.end());
    return signature;
  }
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(now.unix_ms, 0) / 1000);
  const crypto::Ed25519Signature raw = key_->sign(as_bytes(cosigned_message(text, seconds)));
  signature.signature.resize(kTimeSize);
  store_be64(signature.signature.data(), seconds);
  signature.signature.insert(signature.signature.end(), raw.begin(), raw.end());
  return signature;
}

Result<std::vector<VerifiedSignature>> verify_note(const SignedNote& note, std::span<const VerifierKey> keys) {
  const auto same = [](const VerifierKey& key, std::string_view name, const NoteKeyId& id) {
    return key.name() == name && key.id() == id;
  };
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (const VerifierKey& other : keys.subspan(i + 1)) {
      if (same(keys[i], other.name(), other.id())) return bad_key("is there twice: " + keys[i].name());
    }
  }
  std::vector<VerifiedSignature> verified;
  for (const NoteSignature& signature : note.signatures) {
    const auto known =
        std::ranges::find_if(keys, [&](const VerifierKey& key) { return same(key, signature.name, signature.id); });
    if (known == keys.end()) continue;
    const auto position = static_cast<std::size_t>(known - keys.begin());
    CLOISTER_TRY(const auto one, verify_one(note.text, signature, *known, position));
    if (std::ranges::find(verified, position, &VerifiedSignature::key) == verified.end()) verified.push_back(one);
  }
  if (!verified.empty()) return verified;
  return Error(Code::kDenied, "no trusted key signed the note");
}

}  // namespace cloister::audit
