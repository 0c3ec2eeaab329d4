#include "kms/key_file.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/xaes.h"

namespace cloister::kms {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'C', 'L', 'S', 'R', 'K', 'E', 'Y', '1'};
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kPlain = 0;
constexpr std::uint16_t kPassphrase = 1;
constexpr std::string_view kPurpose = "root-file";
constexpr std::string_view kPassphraseKeyId = "passphrase";
constexpr std::size_t kPassphraseParametersSize = 28;
constexpr std::size_t kCrcSize = 4;

Result<crypto::WrappedKey> parse_wrapped(Reader& reader) {
  crypto::WrappedKey wrapped{crypto::WrapType::kPassphrase, std::string(kPassphraseKeyId), 0, {}, {}};
  CLOISTER_TRY(const ByteView parameters, reader.bytes(kPassphraseParametersSize, "passphrase parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.bytes(crypto::kLocalWrapSize, "wrapped key"));
  wrapped.parameters = to_bytes(parameters);
  wrapped.ciphertext = to_bytes(ciphertext);
  return wrapped;
}

Result<crypto::KeyMaterial> parse_plain(Reader& reader, const KeyCommitment& commitment) {
  CLOISTER_TRY(const ByteView raw, reader.bytes(crypto::kKeySize, "key"));
  CLOISTER_TRY(auto key, crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(raw)));
  if (!crypto::equal_constant_time(key_file_commitment(key), commitment)) {
    return Error(Code::kCorrupt, "the key isn't the one the file was made for");
  }
  return key;
}

}  // namespace

KeyCommitment key_file_commitment(const crypto::KeyMaterial& key) { return crypto::key_commitment(key, kPurpose); }

crypto::WrapContext key_file_context(const KeyCommitment& commitment) {
  crypto::WrapContext context;
  context.purpose = kPurpose;
  context.commitment = commitment;
  return context;
}

Result<KeyFile> parse_key_file(ByteView bytes) {
  Reader reader(bytes);
  const auto magic = reader.bytes(kMagic.size(), "magic");
  if (!magic.ok() || !equal(*magic, kMagic)) return Error(Code::kInvalid, "not a Cloister key file");
  CLOISTER_TRY(const std::uint16_t version, reader.u16("version"));
  if (version != kVersion) {
    return Error(Code::kUnsupported, "version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_TRY(const std::uint16_t protection, reader.u16("protection"));
  if (protection != kPlain && protection != kPassphrase) {
    return Error(Code::kUnsupported, "protection " + std::to_string(protection) + " is unknown to this program");
  }
  if (crc32c(bytes.first(bytes.size() - kCrcSize)) != load_le<std::uint32_t>(bytes.data() + bytes.size() - kCrcSize)) {
    return Error(Code::kCorrupt, "the checksum is wrong: the file is damaged");
  }
  KeyFile file;
  CLOISTER_RETURN_IF_ERROR(reader.fill(file.commitment, "commitment"));
  if (protection == kPlain) {
    CLOISTER_TRY(auto key, parse_plain(reader, file.commitment));
    file.plain = std::move(key);
  } else {
    CLOISTER_TRY(auto wrapped, parse_wrapped(reader));
    file.wrapped = std::move(wrapped);
  }
  CLOISTER_RETURN_IF_ERROR(reader.u32("checksum").ok() ? ok_status() : Status(Error(Code::kCorrupt, "no checksum")));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("key file"));
  return file;
}

crypto::Secret serialize_key_file(const KeyFile& file) {
  CLOISTER_CHECK(file.plain.has_value() != file.wrapped.has_value());
  Writer head;
  head.bytes(kMagic).u16(kVersion).u16(file.plain ? kPlain : kPassphrase).bytes(file.commitment);
  if (file.wrapped) head.bytes(file.wrapped->parameters).bytes(file.wrapped->ciphertext);

  // The key's own bytes go straight into locked memory: a Writer grows, and leaves what it outgrew behind.
  const std::size_t key_size = file.plain ? crypto::kKeySize : 0;
  crypto::Secret out(head.size() + key_size + kCrcSize);
  const MutableByteView bytes = out.expose_mutable();
  std::ranges::copy(head.view(), bytes.begin());
  if (file.plain) {
    std::ranges::copy(file.plain->secret().expose(), bytes.begin() + static_cast<std::ptrdiff_t>(head.size()));
  }
  const std::size_t body = head.size() + key_size;
  store_le(bytes.data() + body, crc32c(bytes.first(body)));
  return out;
}

}  // namespace cloister::kms
