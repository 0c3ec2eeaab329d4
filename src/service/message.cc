#include "service/message.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"

namespace cloister::service {
namespace {

constexpr std::string_view kMagic = "CLMS";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kKeyringIdSize = 16;
constexpr std::size_t kObjectSize = 16;
constexpr std::size_t kWrappedSize = 72;
constexpr std::size_t kHeadSize = 4 + 1 + kKeyringIdSize + 4 + kObjectSize + 32 + kWrappedSize;
static_assert(kMessageOverhead == kHeadSize + crypto::kTagSize);

constexpr std::string_view kPurpose = "message";

crypto::WrapContext wrap_context(const keys::DatasetName& dataset, ByteView object, ByteView commitment) {
  crypto::WrapContext context;
  context.tenant = keys::TenantName{dataset.tenant, dataset.environment}.text();
  context.dataset = dataset.dataset;
  context.object.assign(object.begin(), object.end());
  context.purpose = kPurpose;
  std::ranges::copy(commitment, context.commitment.begin());
  return context;
}

// MS-4: the one key and the one nonce of a message.
struct Cipher {
  crypto::Aead aead;
  crypto::Nonce nonce{};
};

Cipher cipher_of(const crypto::KeyMaterial& dek, ByteView object) {
  crypto::Info info("CLSR1 message key");
  info.field(object);
  const crypto::Secret derived =
      crypto::hkdf_expand_sha512(dek.secret(), info.view(), crypto::kKeySize + crypto::kNonceSize);
  Cipher cipher{crypto::Aead(crypto::AeadAlgorithm::kAes256Gcm,
                             crypto::Secret::copy_of(derived.expose().first(crypto::kKeySize))),
                {}};
  std::ranges::copy(derived.expose().subspan(crypto::kKeySize), cipher.nonce.begin());
  return cipher;
}

// MS-5: the head has one size, so that it can't run into the context.
Bytes authenticated(ByteView head, ByteView context) {
  Writer writer;
  writer.text16("CLSR1 message").bytes(head).bytes(context);
  return writer.take();
}

}  // namespace

Result<MessageOutline> parse_message(ByteView bytes) {
  if (bytes.size() < kMessageOverhead || bytes.size() > kMessageTextMax + kMessageOverhead) {
    return Error(Code::kInvalid, "it is too short or too long to be a message");
  }
  if (as_text(bytes.first(kMagic.size())) != kMagic || bytes[kMagic.size()] != kVersion) {
    return Error(Code::kInvalid, "it isn't a message that this service knows");
  }
  MessageOutline message;
  message.head = bytes.first(kHeadSize);
  message.sealed = bytes.subspan(kHeadSize);
  Reader reader(message.head.subspan(kMagic.size() + 1));
  CLOISTER_TRY(const ByteView keyring_id, reader.bytes(kKeyringIdSize, "keyring id"));
  message.keyring_id = to_hex(keyring_id);
  CLOISTER_TRY(message.key_version, reader.u32("key version"));
  CLOISTER_TRY(message.object, reader.bytes(kObjectSize, "object"));
  CLOISTER_TRY(message.commitment, reader.bytes(32, "commitment"));
  CLOISTER_TRY(message.wrapped, reader.bytes(kWrappedSize, "wrapped key"));
  return message;
}

Result<Bytes> seal_message(const CachedKeyring& keyring, const keys::DatasetName& dataset, ByteView text,
                           ByteView context, crypto::Random& random) {
  if (text.size() > kMessageTextMax) return Error(Code::kInvalid, "a message holds at most 64 KiB");
  const crypto::KeyMaterial dek = crypto::KeyMaterial::random(random);
  const auto object = crypto::random_array<kObjectSize>(random);
  const auto commitment = crypto::key_commitment(dek, kPurpose);
  CLOISTER_TRY(const crypto::WrappedKey wrapped, keyring.wrapper->wrap(dek, wrap_context(dataset, object, commitment)));
  CLOISTER_CHECK(wrapped.ciphertext.size() == kWrappedSize);
  CLOISTER_TRY(const Bytes keyring_id, from_hex(keyring.keyring_id));
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u8(kVersion).bytes(keyring_id).u32(wrapped.key_version);
  writer.bytes(object).bytes(commitment).bytes(wrapped.ciphertext);
  Bytes message = writer.take();
  const Bytes aad = authenticated(message, context);
  message.resize(kMessageOverhead + text.size());
  Cipher cipher = cipher_of(dek, object);
  crypto::Tag tag;
  cipher.aead.seal(cipher.nonce, aad, text, MutableByteView(message).subspan(kHeadSize, text.size()), tag);
  std::ranges::copy(tag, message.begin() + static_cast<std::ptrdiff_t>(kHeadSize + text.size()));
  return message;
}

Result<net::Buffer> open_message(const CachedKeyring& keyring, const keys::DatasetName& dataset,
                                 const MessageOutline& message, ByteView context) {
  if (message.keyring_id != keyring.keyring_id) return Error(Code::kNotFound, "sealed under another keyring");
  crypto::WrappedKey wrapped;
  wrapped.type = crypto::WrapType::kDatasetKey;
  wrapped.key_id = message.keyring_id;
  wrapped.key_version = message.key_version;
  wrapped.ciphertext.assign(message.wrapped.begin(), message.wrapped.end());
  const Error refused(Code::kDenied, "the message doesn't open in this context");
  const auto dek = keyring.wrapper->unwrap(wrapped, wrap_context(dataset, message.object, message.commitment));
  if (!dek.ok()) return refused;
  if (!crypto::equal_constant_time(crypto::key_commitment(*dek, kPurpose), message.commitment)) return refused;
  net::Buffer text(message.sealed.size() - crypto::kTagSize);
  Cipher cipher = cipher_of(*dek, message.object);
  const Status opened =
      cipher.aead.open(cipher.nonce, authenticated(message.head, context), message.sealed.first(text.size()),
                       message.sealed.last(crypto::kTagSize), text);
  if (!opened.ok()) return refused;
  return text;
}

}  // namespace cloister::service
