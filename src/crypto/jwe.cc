#include "crypto/jwe.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/base64.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "crypto/key_agreement.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kEcdh = "ECDH-ES+A256KW";
constexpr std::string_view kOaep = "RSA-OAEP-256";
constexpr std::size_t kWrappedSize = kKeySize + 8;  // RFC 3394

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freeing<EVP_CIPHER_CTX_free>>;

std::string url(ByteView bytes) { return to_base64(bytes, Base64::kUrl); }

// RFC 7518 4.6.2 with the wrapping algorithm's name, no party information and 256 bits.
Secret concat_kdf(const Secret& shared) {
  Bytes other{0, 0, 0, static_cast<std::uint8_t>(kEcdh.size())};
  other.insert(other.end(), kEcdh.begin(), kEcdh.end());
  other.insert(other.end(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  static constexpr std::array<std::uint8_t, 4> kRound{0, 0, 0, 1};
  Secret input(kRound.size() + shared.size() + other.size());
  std::uint8_t* to = input.expose_mutable().data();
  to = std::ranges::copy(kRound, to).out;
  to = std::ranges::copy(shared.expose(), to).out;
  std::ranges::copy(other, to);
  Sha256Digest digest = sha256(input.expose());
  Secret key = Secret::copy_of(digest);
  wipe(digest);
  return key;
}

Bytes wrap_aes_kw(const Secret& kek, const Secret& key) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  Bytes out(kWrappedSize + 8);
  int size = 0, rest = 0;
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  CLOISTER_CHECK(
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_wrap(), kek.expose().data(), nullptr, nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data(), &size, key.expose().data(), static_cast<int>(key.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out.data() + size, &rest) == 1);
  out.resize(static_cast<std::size_t>(size + rest));
  return out;
}

Result<Bytes> wrap_oaep(const PublicKey& recipient, const Secret& key) {
  const PkeyHandle handle = public_handle(recipient);
  const PkeyContextHandle context(EVP_PKEY_CTX_new(handle.get(), nullptr));
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(handle.get())));
  std::size_t size = out.size();
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_encrypt(context.get(), out.data(), &size, key.expose().data(), key.size()) != 1) {
    return agreement_failed();
  }
  out.resize(size);
  return out;
}

struct WrappedContentKey {
  Bytes bytes;
  JsonValue::Object header;  // what the recipient needs of it
};

Result<WrappedContentKey> wrap_content_key(const JweRecipient& recipient, const Secret& key, Random& random) {
  const QuietErrors quiet;
  if (recipient.algorithm == JweAlgorithm::kRsaOaep256) {
    CLOISTER_TRY(Bytes wrapped, wrap_oaep(recipient.key, key));
    return WrappedContentKey{std::move(wrapped), {}};
  }
  CLOISTER_TRY(const EphemeralKey ephemeral, ephemeral_on(recipient.key.type(), random));
  CLOISTER_TRY(const Secret shared, agree_on_secret(ephemeral.handle.get(), recipient.key));
  return WrappedContentKey{wrap_aes_kw(concat_kdf(shared), key), {{"epk", to_jwk(ephemeral.public_key)}}};
}

Result<std::string> header_of(const JweRecipient& recipient, JsonValue::Object others) {
  const std::string_view algorithm = recipient.algorithm == JweAlgorithm::kRsaOaep256 ? kOaep : kEcdh;
  const auto by_name = [](const JsonValue::Member& a, const JsonValue::Member& b) { return a.first < b.first; };
  std::sort(others.begin(), others.end(), by_name);
  JsonValue::Object header{{"alg", std::string(algorithm)}, {"enc", "A256GCM"}};
  for (JsonValue::Member& member : others) {
    const std::string& name = member.first;
    if (name == header.back().first || name == "alg" || name == "enc") {
      return Error(Code::kInvalid, "a JWE header with " + name + " twice");
    }
    header.push_back(std::move(member));
  }
  return JsonValue(std::move(header)).serialize();
}

}  // namespace

Result<JweRecipient> JweRecipient::parse(const JsonValue& jwk) {
  const JsonValue* algorithm = jwk.find("alg");
  const std::string name = algorithm != nullptr && algorithm->string() != nullptr ? *algorithm->string() : "";
  if (name != kEcdh && name != kOaep) {
    return Error(Code::kUnsupported, "secrets are sealed with ECDH-ES+A256KW or RSA-OAEP-256, and the key asks for " +
                                         (name.empty() || name.size() > 32 ? "neither" : name));
  }
  CLOISTER_TRY(PublicKey key, parse_jwk(jwk));
  const bool rsa = key.type() == KeyType::kRsa;
  if (key.type() == KeyType::kEd25519 || rsa != (name == kOaep)) {
    return Error(Code::kInvalid, "a key of type " + std::string(key_type_name(key.type())) + " isn't for " + name);
  }
  return JweRecipient{rsa ? JweAlgorithm::kRsaOaep256 : JweAlgorithm::kEcdhEsA256Kw, std::move(key)};
}

Result<JsonValue::Object> seal_jwe(const JweRecipient& recipient, const Secret& plaintext,
                                   const JsonValue::Object& further, Random& random) {
  const KeyMaterial content_key = KeyMaterial::random(random);
  CLOISTER_TRY(WrappedContentKey wrapped, wrap_content_key(recipient, content_key.secret(), random));
  JsonValue::Object others = std::move(wrapped.header);
  others.insert(others.end(), further.begin(), further.end());
  CLOISTER_TRY(const std::string header, header_of(recipient, std::move(others)));
  const std::string protected_header = url(as_bytes(header));
  const Nonce nonce = random_array<kNonceSize>(random);
  Bytes ciphertext(plaintext.size());
  Tag tag{};
  Aead(AeadAlgorithm::kAes256Gcm, content_key.secret())
      .seal(nonce, as_bytes(protected_header), plaintext.expose(), ciphertext, tag);
  return JsonValue::Object{{"protected", protected_header},
                           {"encrypted_key", url(wrapped.bytes)},
                           {"iv", url(nonce)},
                           {"ciphertext", url(ciphertext)},
                           {"tag", url(tag)}};
}

}  // namespace cloister::crypto
