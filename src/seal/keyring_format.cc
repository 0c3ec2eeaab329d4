#include "seal/keyring_format.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRKRG1";
constexpr std::size_t kNameMax = 128;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kParametersMax = 4096;
constexpr std::size_t kCiphertextMax = 8192;
constexpr std::uint16_t kKeysMax = 4096;
constexpr std::uint16_t kRecipientsMax = 16;

Error corrupt(std::string message) { return Error(Code::kCorrupt, "keyring: " + std::move(message)); }

Status parse_ring_key(Reader& reader, KeyringParts& parts) {
  crypto::WrappedKey& ring = parts.outline.ring_key;
  CLOISTER_TRY(const std::uint16_t type, reader.u16("keyring wrap type"));
  if (type < 1 || type > 6)
    return Error(Code::kUnsupported, "keyring: wrap type " + std::to_string(type) + " is unknown");
  ring.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(ring.key_id, reader.text16(kKeyIdMax, "keyring key id"));
  CLOISTER_TRY(ring.key_version, reader.u32("keyring key version"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(kParametersMax, "keyring wrap parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(kCiphertextMax, "keyring wrapped ring key"));
  ring.parameters = to_bytes(parameters);
  ring.ciphertext = to_bytes(ciphertext);
  return reader.fill(parts.ring_commitment, "keyring ring key commitment");
}

Status parse_key(Reader& reader, KeyringOutline& outline) {
  DatasetKeyEntry entry;
  CLOISTER_TRY(entry.version, reader.u32("dataset key version"));
  CLOISTER_TRY(const std::uint8_t state, reader.u8("dataset key state"));
  CLOISTER_TRY(const std::uint64_t created, reader.u64("dataset key time"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.commitment, "dataset key commitment"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.wrapped, "wrapped dataset key"));
  if (state < 1 || state > 4) return corrupt("dataset key in unknown state " + std::to_string(state));
  if (created > (std::uint64_t{1} << 62)) return corrupt("a time is out of range");
  const std::uint32_t previous = outline.keys.empty() ? 0 : outline.keys.back().version;
  if (entry.version <= previous) return corrupt("dataset key versions aren't ascending");
  entry.state = static_cast<DatasetKeyState>(state);
  entry.created = Time{static_cast<std::int64_t>(created)};
  if (entry.state == DatasetKeyState::kDestroyed && !all_zero(entry.wrapped)) {
    return corrupt("a destroyed dataset key still has its wrap");
  }
  outline.keys.push_back(entry);
  return {};
}

// Exactly one primary, and no newer version that could be used in its place.
Status check_primary(const KeyringOutline& outline) {
  unsigned primaries = 0;
  bool usable_after = false;
  for (const DatasetKeyEntry& key : outline.keys) {
    if (key.state == DatasetKeyState::kPrimary) {
      ++primaries;
      usable_after = false;
    } else if (key.state == DatasetKeyState::kEnabled) {
      usable_after = true;
    }
  }
  if (primaries != 1 || usable_after) return corrupt("it has no one primary dataset key");
  return {};
}

Status parse_recipient(Reader& reader, KeyringParts& parts) {
  CLOISTER_TRY(const std::uint16_t kem, reader.u16("recipient KEM"));
  if (kem != static_cast<std::uint16_t>(crypto::HpkeKem::kX25519) &&
      kem != static_cast<std::uint16_t>(crypto::HpkeKem::kXWing)) {
    return Error(Code::kUnsupported, "keyring: recipient with unknown KEM " + std::to_string(kem));
  }
  CLOISTER_TRY(const ByteView key, reader.prefixed16(4096, "recipient public key"));
  SealedSeed seed;
  CLOISTER_RETURN_IF_ERROR(reader.fill(seed.commitment, "recipient commitment"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(seed.wrapped, "wrapped recipient seed"));
  auto parsed = crypto::HpkePublicKey::parse(static_cast<crypto::HpkeKem>(kem), key);
  if (!parsed.ok()) return corrupt(parsed.error().message());
  parts.outline.recipients.push_back(std::move(parsed).value());
  parts.recipients.push_back(seed);
  return {};
}

}  // namespace

Result<KeyringParts> parse_keyring_parts(ByteView bytes) {
  Reader reader(bytes);
  KeyringParts parts;
  KeyringOutline& outline = parts.outline;
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "keyring magic"));
  if (!equal(magic, as_bytes(kMagic))) return Error(Code::kInvalid, "not a keyring");
  CLOISTER_TRY(const std::uint16_t version, reader.u16("keyring version"));
  if (version != 1) {
    return Error(Code::kUnsupported, "keyring: version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_RETURN_IF_ERROR(reader.zeros(2, "keyring reserved bytes"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(outline.keyring_id, "keyring id"));
  CLOISTER_TRY(outline.owner.tenant, reader.text16(kNameMax, "keyring tenant"));
  CLOISTER_TRY(outline.owner.environment, reader.text16(kNameMax, "keyring environment"));
  if (outline.owner.tenant.find('/') != std::string::npos || outline.owner.environment.find('/') != std::string::npos) {
    return corrupt("its tenant or environment has a slash");
  }
  CLOISTER_TRY(outline.owner.dataset, reader.text16(kNameMax, "keyring dataset"));
  CLOISTER_TRY(outline.sequence, reader.u64("keyring sequence"));
  CLOISTER_RETURN_IF_ERROR(parse_ring_key(reader, parts));
  CLOISTER_TRY(const std::uint16_t keys, reader.u16("number of dataset keys"));
  if (keys < 1 || keys > kKeysMax) return corrupt("the number of dataset keys is out of bounds");
  for (unsigned i = 0; i < keys; ++i) CLOISTER_RETURN_IF_ERROR(parse_key(reader, outline));
  CLOISTER_RETURN_IF_ERROR(check_primary(outline));
  CLOISTER_RETURN_IF_ERROR(reader.fill(outline.signing_public_key, "signing public key"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(parts.signing.commitment, "signing key commitment"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(parts.signing.wrapped, "wrapped signing key"));
  CLOISTER_TRY(const std::uint16_t recipients, reader.u16("number of recipients"));
  if (recipients > kRecipientsMax) return corrupt("more than 16 recipients");
  for (unsigned i = 0; i < recipients; ++i) CLOISTER_RETURN_IF_ERROR(parse_recipient(reader, parts));
  parts.mac_offset = reader.offset();
  CLOISTER_RETURN_IF_ERROR(reader.fill(parts.mac, "keyring mac"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the keyring"));
  return parts;
}

Bytes serialize_keyring_parts(const KeyringParts& parts) {
  const KeyringOutline& outline = parts.outline;
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u16(1).u16(0).bytes(outline.keyring_id);
  writer.text16(outline.owner.tenant).text16(outline.owner.environment).text16(outline.owner.dataset);
  writer.u64(outline.sequence).u16(static_cast<std::uint16_t>(outline.ring_key.type)).text16(outline.ring_key.key_id);
  writer.u32(outline.ring_key.key_version).prefixed16(outline.ring_key.parameters);
  writer.prefixed16(outline.ring_key.ciphertext).bytes(parts.ring_commitment);
  writer.u16(static_cast<std::uint16_t>(outline.keys.size()));
  for (const DatasetKeyEntry& key : outline.keys) {
    writer.u32(key.version).u8(static_cast<std::uint8_t>(key.state));
    writer.u64(static_cast<std::uint64_t>(key.created.unix_ms)).bytes(key.commitment).bytes(key.wrapped);
  }
  writer.bytes(outline.signing_public_key).bytes(parts.signing.commitment).bytes(parts.signing.wrapped);
  writer.u16(static_cast<std::uint16_t>(parts.recipients.size()));
  for (std::size_t i = 0; i < parts.recipients.size(); ++i) {
    writer.u16(static_cast<std::uint16_t>(outline.recipients[i].kem())).prefixed16(outline.recipients[i].bytes());
    writer.bytes(parts.recipients[i].commitment).bytes(parts.recipients[i].wrapped);
  }
  return writer.take();
}

Result<KeyringOutline> parse_keyring(ByteView bytes) {
  CLOISTER_TRY(KeyringParts parts, parse_keyring_parts(bytes));
  return std::move(parts.outline);
}

}  // namespace cloister::seal
