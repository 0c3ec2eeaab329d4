#include "crypto/hpke.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>

#include "crypto/hash.h"
#include "crypto/hpke_context.h"
#include "crypto/kem.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kX25519Text = "cloister-recipient-x25519:";
constexpr std::string_view kXWingText = "cloister-recipient-xwing:";

std::string to_base64url(ByteView bytes) {
  Bytes text(4 * (bytes.size() / 3 + 1) + 1);
  const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  std::string out(as_text(ByteView(text).first(static_cast<std::size_t>(size))));
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

Result<Bytes> from_base64url(std::string_view text) {
  std::string padded(text);
  const std::size_t pad = (4 - padded.size() % 4) % 4;
  for (const char c : padded) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') {
      return Error(Code::kInvalid, "the recipient has a character that isn't base64url");
    }
  }
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  padded.append(pad, '=');
  Bytes out(padded.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), as_bytes(padded).data(), static_cast<int>(padded.size()));
  if (pad == 3 || size < 0) return Error(Code::kInvalid, "the recipient isn't base64url");
  out.resize(static_cast<std::size_t>(size) - pad);
  if (to_base64url(out) != text) return Error(Code::kInvalid, "the recipient isn't canonical base64url");
  return out;
}

WrapType wrap_type(HpkeKem kem) {
  return kem == HpkeKem::kX25519 ? WrapType::kHpkeX25519 : WrapType::kHpkeX25519MlKem768;
}

bool wrapped_to(const HpkePublicKey& recipient, const WrappedKey& wrapped) {
  return wrapped.type == wrap_type(recipient.kem()) && wrapped.key_id == recipient.key_id() && wrapped.key_version == 0;
}

Result<WrappedKey> wrap_to(const HpkePublicKey& recipient, Random& random, const KeyMaterial& key,
                           const WrapContext& context) {
  WrappedKey wrapped{wrap_type(recipient.kem()), recipient.key_id(), 0, {}, {}};
  const Bytes info = context.canonical(wrapped.type, wrapped.key_id, 0);
  CLOISTER_TRY(HpkeSealed sealed, hpke_seal(recipient, random, info, {}, key.secret()));
  wrapped.parameters = std::move(sealed.encapsulated);
  wrapped.ciphertext = std::move(sealed.ciphertext);
  return wrapped;
}

}  // namespace

AeadAlgorithm hpke_aead_algorithm(HpkeAead aead) {
  switch (aead) {
    case HpkeAead::kAes128Gcm: return AeadAlgorithm::kAes128Gcm;
    case HpkeAead::kAes256Gcm: return AeadAlgorithm::kAes256Gcm;
    case HpkeAead::kChaCha20Poly1305: return AeadAlgorithm::kChaCha20Poly1305;
  }
  CLOISTER_CHECK(false);
}

std::size_t hpke_public_key_size(HpkeKem kem) { return kem == HpkeKem::kX25519 ? 32 : 1216; }
std::size_t hpke_encapsulated_size(HpkeKem kem) { return kem == HpkeKem::kX25519 ? 32 : 1120; }

Result<HpkePublicKey> HpkePublicKey::parse(HpkeKem kem, ByteView bytes) {
  CLOISTER_RETURN_IF_ERROR(kem_check_public_key(kem, bytes));
  return HpkePublicKey(kem, to_bytes(bytes));
}

Result<HpkePublicKey> HpkePublicKey::parse_text(std::string_view text) {
  for (const HpkeKem kem : {HpkeKem::kX25519, HpkeKem::kXWing}) {
    const std::string_view prefix = kem == HpkeKem::kX25519 ? kX25519Text : kXWingText;
    if (!text.starts_with(prefix)) continue;
    const std::string_view encoded = text.substr(prefix.size());
    if (encoded.size() > 2 * hpke_public_key_size(kem)) return Error(Code::kInvalid, "the recipient is too long");
    CLOISTER_TRY(const Bytes bytes, from_base64url(encoded));
    return parse(kem, bytes);
  }
  return Error(Code::kInvalid, "a recipient starts with cloister-recipient-x25519: or cloister-recipient-xwing:");
}

std::string HpkePublicKey::text() const {
  return std::string(kem_ == HpkeKem::kX25519 ? kX25519Text : kXWingText) + to_base64url(bytes_);
}

std::string HpkePublicKey::key_id() const {
  return (kem_ == HpkeKem::kX25519 ? "x25519:" : "xwing:") + to_hex(sha256(bytes_)).substr(0, 16);
}

HpkePrivateKey::HpkePrivateKey(HpkePublicKey public_key, KeyMaterial seed)
    : public_key_(std::move(public_key)), seed_(std::move(seed)) {}

HpkePrivateKey HpkePrivateKey::generate(HpkeKem kem, Random& random) {
  auto key = from_seed(kem, KeyMaterial::random(random));
  CLOISTER_CHECK(key.ok());
  return std::move(key).value();
}

Result<HpkePrivateKey> HpkePrivateKey::from_seed(HpkeKem kem, KeyMaterial seed) {
  CLOISTER_TRY(const Bytes public_key, kem_public_key(kem, seed));
  CLOISTER_TRY(auto parsed, HpkePublicKey::parse(kem, public_key));
  return HpkePrivateKey(std::move(parsed), std::move(seed));
}

Result<HpkeSealed> hpke_seal(const HpkePublicKey& recipient, Random& random, ByteView info, ByteView aad,
                             const Secret& plaintext, HpkeAead aead) {
  CLOISTER_TRY(HpkeSender sender, HpkeSender::create(recipient, random, info, aead));
  HpkeSealed sealed{sender.encapsulated(), Bytes(plaintext.size() + kTagSize)};
  sender.seal(aad, plaintext.expose(), sealed.ciphertext);
  return sealed;
}

Result<Secret> hpke_open(const HpkePrivateKey& recipient, ByteView info, ByteView aad, const HpkeSealed& sealed,
                         HpkeAead aead) {
  const Error denied(Code::kDenied, "the sealed key doesn't open with this recipient's key in this context");
  if (sealed.ciphertext.size() < kTagSize) return denied;
  auto receiver = HpkeReceiver::create(recipient, info, sealed.encapsulated, aead);
  if (!receiver.ok()) return denied;
  Secret plaintext(sealed.ciphertext.size() - kTagSize);
  if (!receiver->open(aad, sealed.ciphertext, plaintext.expose_mutable()).ok()) return denied;
  return plaintext;
}

HpkeSealer::HpkeSealer(HpkePublicKey recipient, Random& random) : recipient_(std::move(recipient)), random_(&random) {}

Result<WrappedKey> HpkeSealer::wrap(const KeyMaterial& key, const WrapContext& context) {
  return wrap_to(recipient_, *random_, key, context);
}

Result<KeyMaterial> HpkeSealer::unwrap(const WrappedKey& wrapped, const WrapContext&) {
  if (!wrapped_to(recipient_, wrapped)) {
    return Error(Code::kNotFound, "wrapped to another recipient");
  }
  return Error(Code::kDenied, "only the recipient's public key is here: it seals and doesn't open");
}

HpkeOpener::HpkeOpener(HpkePrivateKey recipient, Random& random) : recipient_(std::move(recipient)), random_(&random) {}

Result<WrappedKey> HpkeOpener::wrap(const KeyMaterial& key, const WrapContext& context) {
  return wrap_to(recipient_.public_key(), *random_, key, context);
}

Result<KeyMaterial> HpkeOpener::unwrap(const WrappedKey& wrapped, const WrapContext& context) {
  if (!wrapped_to(recipient_.public_key(), wrapped)) {
    return Error(Code::kNotFound, "wrapped to another recipient");
  }
  if (wrapped.ciphertext.size() != kKeySize + kTagSize) {
    return Error(Code::kDenied,
                 "a key wrapped to a recipient is 48 bytes, this one has " + std::to_string(wrapped.ciphertext.size()));
  }
  const Bytes info = context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version);
  CLOISTER_TRY(Secret secret, hpke_open(recipient_, info, {}, HpkeSealed{wrapped.parameters, wrapped.ciphertext}));
  return KeyMaterial::from_secret(std::move(secret));
}

}  // namespace cloister::crypto
