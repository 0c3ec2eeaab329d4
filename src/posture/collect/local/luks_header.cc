#include "posture/collect/local/luks_header.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/hash.h"

namespace cloister::posture {
namespace {

constexpr std::array<std::uint8_t, 6> kMagic = {'L', 'U', 'K', 'S', 0xBA, 0xBE};
constexpr std::size_t kBinarySize = 4096;  // of LUKS2, before its JSON
constexpr std::size_t kLuks1Size = 592;
constexpr std::size_t kLuks1Slots = 208, kLuks1SlotSize = 48, kLuks1SlotCount = 8;
constexpr std::uint32_t kLuks1SlotActive = 0x00AC71F3;
constexpr std::size_t kUuidOffset = 168, kUuidSize = 40;
constexpr std::size_t kChecksumAlgorithm = 72, kChecksumAlgorithmSize = 32, kChecksum = 448, kChecksumSize = 64;
constexpr unsigned kKeyBytesMax = 512;

std::uint32_t be32(ByteView bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[offset + i];
  return value;
}

// Text in a field of a fixed size, ended by a zero. Only what a name may have is kept: the field is anybody's bytes.
std::string fixed_text(ByteView bytes, std::size_t offset, std::size_t size) {
  std::string out;
  for (const std::uint8_t byte : bytes.subspan(offset, size)) {
    if (byte == 0) break;
    out += byte > 0x20 && byte < 0x7F ? static_cast<char>(byte) : '?';
  }
  return out;
}

Error corrupt(const char* what) { return Error(Code::kCorrupt, std::string("the LUKS header ") + what); }

unsigned version_of(ByteView head) { return static_cast<unsigned>(head[6] << 8 | head[7]); }

Result<LuksHeader> parse_luks1(ByteView head) {
  if (head.size() < kLuks1Size) return corrupt("is cut off");
  LuksHeader header;
  header.version = 1;
  header.cipher = fixed_text(head, 8, 32) + "-" + fixed_text(head, 40, 32);
  header.key_bytes = be32(head, 108);
  header.uuid = fixed_text(head, kUuidOffset, kUuidSize);
  if (header.key_bytes == 0 || header.key_bytes > kKeyBytesMax) return corrupt("has a key of no possible size");
  for (std::size_t slot = 0; slot < kLuks1SlotCount; ++slot) {
    if (be32(head, kLuks1Slots + slot * kLuks1SlotSize) == kLuks1SlotActive) ++header.keyslots;
  }
  header.has_plain_segments = cipher_words(header.cipher, header.key_bytes, "").is_null;
  return header;
}

Status check_checksum(ByteView header) {
  const std::string algorithm = fixed_text(header, kChecksumAlgorithm, kChecksumAlgorithmSize);
  Bytes copy = to_bytes(header);
  std::fill_n(copy.begin() + kChecksum, kChecksumSize, std::uint8_t{0});
  Bytes digest;
  if (algorithm == "sha256") {
    digest = to_bytes(crypto::sha256(copy));
  } else if (algorithm == "sha512") {
    digest = to_bytes(crypto::sha512(copy));
  } else {
    return Error(Code::kUnsupported, "the LUKS header has a checksum of an unknown kind");
  }
  if (!equal(header.subspan(kChecksum, digest.size()), digest)) return corrupt("doesn't fit its checksum");
  return {};
}

std::string text_of(const JsonValue* value) {
  return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

const JsonValue::Object& members(const JsonValue& json, std::string_view name) {
  static const JsonValue::Object kNone;
  const JsonValue* found = json.find(name);
  return found == nullptr || found->object() == nullptr ? kNone : *found->object();
}

void take_segments(const JsonValue& json, LuksHeader& header) {
  const JsonValue::Object& segments = members(json, "segments");
  header.has_plain_segments = segments.empty();
  for (const auto& [name, segment] : segments) {
    const std::string type = text_of(segment.find("type"));
    if (type.starts_with("hw-opal")) header.by_drive = true;
    if (type == "hw-opal") continue;
    if (type != "crypt" && type != "hw-opal-crypt") {
      // Copies of what a change moves about have flags.
      if (segment.find("flags") == nullptr) header.has_plain_segments = true;
      continue;
    }
    header.cipher = text_of(segment.find("encryption"));
    const JsonValue* integrity = segment.find("integrity");
    if (integrity != nullptr) header.integrity = text_of(integrity->find("type"));
    if (cipher_words(header.cipher, 0, "").is_null) header.has_plain_segments = true;
  }
}

void take_keyslots(const JsonValue& json, LuksHeader& header) {
  for (const auto& [name, slot] : members(json, "keyslots")) {
    const std::string type = text_of(slot.find("type"));
    if (type == "reencrypt") header.reencrypting = true;
    if (type != "luks2") continue;
    ++header.keyslots;
    const JsonValue* size = slot.find("key_size");
    const auto bytes = size == nullptr ? std::nullopt : size->unsigned_integer();
    // Of slots for several ciphers the weakest counts.
    if (bytes && *bytes > 0 && *bytes <= kKeyBytesMax && (header.key_bytes == 0 || *bytes < header.key_bytes)) {
      header.key_bytes = static_cast<unsigned>(*bytes);
    }
  }
}

// Which of clevis's pins: it is said in the protected header of the JWE that the token holds.
std::string clevis_pin(const JsonValue& token) {
  const JsonValue* jwe = token.find("jwe");
  const std::string protected_part = text_of(jwe == nullptr ? nullptr : jwe->find("protected"));
  const auto bytes = from_base64(protected_part, Base64::kUrl);
  if (!bytes.ok()) return "";
  const auto json = parse_json(as_text(*bytes));
  if (!json.ok()) return "";
  const JsonValue* clevis = json->find("clevis");
  return text_of(clevis == nullptr ? nullptr : clevis->find("pin"));
}

void take_tokens(const JsonValue& json, LuksHeader& header) {
  for (const auto& [name, token] : members(json, "tokens")) {
    std::string type = text_of(token.find("type"));
    if (type == "luks2-keyring") continue;  // says where a passphrase may lie, and holds none
    if (type == "clevis") type += ":" + clevis_pin(token);
    header.tokens.push_back(std::move(type));
  }
}

Result<LuksHeader> parse_luks2(ByteView head) {
  CLOISTER_TRY(const std::size_t size, luks_header_size(head));
  if (head.size() < size) return corrupt("is cut off");
  CLOISTER_RETURN_IF_ERROR(check_checksum(head.first(size)));
  const ByteView area = head.subspan(kBinarySize, size - kBinarySize);
  const auto end = std::ranges::find(area, std::uint8_t{0});
  const JsonLimits limits = {kLuksHeaderMax, 16, 65'536};
  const auto json = parse_json(as_text(area.first(static_cast<std::size_t>(end - area.begin()))), limits);
  if (!json.ok()) return corrupt("isn't JSON where it should be");
  LuksHeader header;
  header.uuid = fixed_text(head, kUuidOffset, kUuidSize);
  take_segments(*json, header);
  take_keyslots(*json, header);
  take_tokens(*json, header);
  const JsonValue* config = json->find("config");
  const JsonValue* requirements = config == nullptr ? nullptr : config->find("requirements");
  const JsonValue* mandatory = requirements == nullptr ? nullptr : requirements->find("mandatory");
  if (mandatory != nullptr && mandatory->array() != nullptr) {
    header.reencrypting |= std::ranges::any_of(*mandatory->array(), [](const JsonValue& word) {
      return text_of(&word).find("reencrypt") != std::string::npos;
    });
  }
  return header;
}

}  // namespace

bool looks_like_luks(ByteView head) { return head.size() >= 8 && std::ranges::equal(head.first(6), kMagic); }

Result<std::size_t> luks_header_size(ByteView head) {
  if (!looks_like_luks(head)) return Error(Code::kInvalid, "no LUKS header");
  if (version_of(head) == 1) return kLuks1Size;
  if (head.size() < kBinarySize) return corrupt("is cut off");
  std::uint64_t size = 0;
  for (std::size_t i = 8; i < 16; ++i) size = size << 8 | head[i];
  const bool fits = size >= 16'384 && size <= kLuksHeaderMax && std::has_single_bit(size);
  if (!fits) return corrupt("has a size that no header has");
  return static_cast<std::size_t>(size);
}

Result<LuksHeader> parse_luks(ByteView head) {
  if (!looks_like_luks(head)) return Error(Code::kInvalid, "no LUKS header");
  switch (version_of(head)) {
    case 1: return parse_luks1(head);
    case 2: return parse_luks2(head);
    default: return Error(Code::kUnsupported, "a LUKS header of an unknown version");
  }
}

CipherWords cipher_words(const std::string& cipher, unsigned key_bytes, const std::string& integrity) {
  CipherWords words;
  words.is_null = cipher.starts_with("cipher_null");
  const std::size_t dash = cipher.find('-');
  const std::string name = cipher.substr(0, dash);
  const std::string rest = dash == std::string::npos ? "" : cipher.substr(dash + 1);
  const std::string mode = rest.substr(0, rest.find('-'));
  words.key_bits = key_bytes * 8;
  if (mode == "xts") words.key_bits /= 2;
  words.is_aead = integrity == "aead" && !words.is_null;
  if (name.find("adiantum") != std::string::npos || mode == "adiantum" || mode.starts_with("aes")) {
    words.algorithm = "adiantum";
  } else if (words.key_bits != 0 && !words.is_aead) {
    words.algorithm = name + "-" + std::to_string(words.key_bits) + "-" + mode;
  } else {
    words.algorithm = cipher;
  }
  return words;
}

}  // namespace cloister::posture
