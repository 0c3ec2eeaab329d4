#include "tests/support/jwe_opener.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "crypto/jwk.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

constexpr std::string_view kEcdh = "ECDH-ES+A256KW";

Error wrong() { return Error(Code::kCorrupt, "this JWE doesn't open"); }

crypto::PublicKey public_key(EVP_PKEY* key) {
  unsigned char* spki = nullptr;
  const int size = i2d_PUBKEY(key, &spki);
  CLOISTER_CHECK(size > 0);
  auto parsed = crypto::PublicKey::from_spki({spki, static_cast<std::size_t>(size)});
  OPENSSL_free(spki);
  return value_of(std::move(parsed));
}

Result<Bytes> bytes_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr || member->string() == nullptr) return wrong();
  return from_base64(*member->string(), Base64::kUrl);
}

Result<Bytes> unwrap_oaep(EVP_PKEY* key, ByteView wrapped) {
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(EVP_PKEY_CTX_new(key, nullptr),
                                                                       EVP_PKEY_CTX_free);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  EVP_PKEY_decrypt_init(context.get());
  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING);
  EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256());
  if (EVP_PKEY_decrypt(context.get(), out.data(), &size, wrapped.data(), wrapped.size()) != 1) return wrong();
  out.resize(size);
  return out;
}

Result<Bytes> agree(EVP_PKEY* key, const crypto::PublicKey& peer) {
  const unsigned char* at = peer.spki().data();
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> other(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(peer.spki().size())), EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(EVP_PKEY_CTX_new(key, nullptr),
                                                                       EVP_PKEY_CTX_free);
  std::size_t size = 66;
  Bytes shared(size);
  EVP_PKEY_derive_init(context.get());
  if (EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.data(), &size) != 1) {
    return wrong();
  }
  shared.resize(size);
  return shared;
}

Result<Bytes> unwrap_aes(ByteView kek, ByteView wrapped) {
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(wrapped.size() + 16);
  int size = 0;
  if (EVP_DecryptInit_ex2(context.get(), EVP_aes_256_wrap(), kek.data(), nullptr, nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), out.data(), &size, wrapped.data(), static_cast<int>(wrapped.size())) != 1) {
    return wrong();
  }
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

JweOpener::JweOpener(const std::string& kind)
    : key_(kind == "RSA" ? EVP_RSA_gen(2048) : EVP_EC_gen(kind.c_str()), EVP_PKEY_free) {
  CLOISTER_CHECK(key_ != nullptr);
}

std::string JweOpener::jwk() const {
  JsonValue::Object members = crypto::to_jwk(public_key(key_.get()));
  const bool rsa = EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA;
  members.emplace_back("alg", std::string(rsa ? "RSA-OAEP-256" : kEcdh));
  return JsonValue(std::move(members)).serialize();
}

Result<Bytes> JweOpener::content_key(const JsonValue& header, ByteView wrapped) const {
  if (EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA) return unwrap_oaep(key_.get(), wrapped);
  const JsonValue* epk = header.find("epk");
  if (epk == nullptr) return wrong();
  CLOISTER_TRY(const crypto::PublicKey peer, crypto::parse_jwk(*epk));
  CLOISTER_TRY(const Bytes shared, agree(key_.get(), peer));
  Bytes input{0, 0, 0, 1};
  input.insert(input.end(), shared.begin(), shared.end());
  input.insert(input.end(), {0, 0, 0, 14});
  input.insert(input.end(), kEcdh.begin(), kEcdh.end());
  input.insert(input.end(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  Bytes kek(32);
  unsigned size = 0;
  CLOISTER_CHECK(EVP_Digest(input.data(), input.size(), kek.data(), &size, EVP_sha256(), nullptr) == 1);
  return unwrap_aes(kek, wrapped);
}

Result<std::string> JweOpener::open(const JsonValue::Object& members) const {
  const JsonValue jwe(members);
  CLOISTER_TRY(const Bytes header, bytes_of(jwe, "protected"));
  CLOISTER_TRY(const Bytes wrapped, bytes_of(jwe, "encrypted_key"));
  CLOISTER_TRY(const Bytes iv, bytes_of(jwe, "iv"));
  CLOISTER_TRY(const Bytes ciphertext, bytes_of(jwe, "ciphertext"));
  CLOISTER_TRY(Bytes tag, bytes_of(jwe, "tag"));
  CLOISTER_TRY(const JsonValue json, parse_json(as_text(header)));
  CLOISTER_TRY(const Bytes key, content_key(json, wrapped));
  if (key.size() != 32 || iv.size() != 12 || tag.size() != 16) return wrong();
  const std::string& aad = *jwe.find("protected")->string();
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string out(ciphertext.size(), '\0');
  int size = 0;
  EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), iv.data(), nullptr);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
  EVP_DecryptUpdate(context.get(), nullptr, &size, as_bytes(aad).data(), static_cast<int>(aad.size()));
  EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, ciphertext.data(),
                    static_cast<int>(ciphertext.size()));
  if (EVP_DecryptFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()) + size, &size) != 1)
    return wrong();
  return out;
}

}  // namespace cloister::testing
