#include "crypto/rsa_signer.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/pem.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kWhat = "an RSA private key";
constexpr std::string_view kProbe = "does this pair belong together?";

Error malformed() { return Error(Code::kInvalid, std::string(kWhat) + " is malformed"); }

using Pkcs8Handle = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freeing<PKCS8_PRIV_KEY_INFO_free>>;

Status check_outline(ByteView der) {
  CLOISTER_RETURN_IF_ERROR(check_der(der, kWhat, 6));
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  CLOISTER_TRY(const ByteView version, reader.expect(der::kInteger, kWhat));
  CLOISTER_TRY(const DerElement algorithm, reader.next(kWhat));
  if (version.size() != 1 || version[0] > 1) return malformed();
  if (equal(algorithm.whole, key_algorithm_identifier(KeyType::kRsa))) return {};
  return Error(Code::kUnsupported, "tokens for clouds are signed with RSA: this is a key of another kind");
}

Result<PublicKey> public_half(EVP_PKEY* key) {
  std::uint8_t* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  if (size <= 0) return malformed();
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(encoded, [](void* bytes) { OPENSSL_free(bytes); });
  return PublicKey::from_spki({encoded, static_cast<std::size_t>(size)});
}

}  // namespace

Result<std::unique_ptr<RsaSigner>> RsaSigner::from_pkcs8(const Secret& der) {
  CLOISTER_RETURN_IF_ERROR(check_outline(der.expose()));
  const QuietErrors quiet;
  const std::uint8_t* at = der.expose().data();
  const Pkcs8Handle outline(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (outline == nullptr) return malformed();
  PkeyHandle key(EVP_PKCS82PKEY_ex(outline.get(), nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) return malformed();
  CLOISTER_TRY(PublicKey public_key, public_half(key.get()));
  std::unique_ptr<RsaSigner> signer(new RsaSigner(std::move(key), std::move(public_key)));
  const auto probe = signer->sign(as_bytes(kProbe));
  if (!probe.ok() ||
      !signer->public_key().verify(SignatureAlgorithm::kRsaPkcs1Sha256, as_bytes(kProbe), probe.value()).ok()) {
    return malformed();
  }
  return signer;
}

Result<std::unique_ptr<RsaSigner>> RsaSigner::from_pkcs8_pem(const Secret& text) {
  CLOISTER_TRY(const Secret der, parse_secret_pem(text, "PRIVATE KEY"));
  return from_pkcs8(der);
}

Result<Bytes> RsaSigner::sign(ByteView message) {
  const QuietErrors quiet;
  const DigestContext context(EVP_MD_CTX_new());
  CLOISTER_CHECK(context != nullptr);
  std::size_t size = 0;
  // PKCS #1 v1.5 is what OpenSSL signs with where nothing else is asked.
  if (EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1) {
    return Error(Code::kInternal, "sign with an RSA key: the library refuses");
  }
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return Error(Code::kInternal, "sign with an RSA key: the library refuses");
  }
  signature.resize(size);
  return signature;
}

}  // namespace cloister::crypto
