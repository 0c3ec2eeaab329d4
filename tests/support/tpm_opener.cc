#include "tests/support/tpm_opener.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/support/rsa_key.h"

namespace cloister::testing {
namespace {

constexpr std::string_view kLabel{"IDENTITY", 9};

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes hmac(ByteView key, ByteView bytes) {
  Bytes out(32);
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), out.data(), nullptr);
  return out;
}

std::optional<Bytes> open_seed(ByteView sealed) {
  const crypto::Secret der = rsa_key_der();
  const unsigned char* at = der.expose().data();
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                            EVP_PKEY_CTX_free);
  Bytes seed(256);
  std::size_t size = seed.size();
  CLOISTER_CHECK(EVP_PKEY_decrypt_init(context.get()) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
                 EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), OPENSSL_memdup(kLabel.data(), kLabel.size()),
                                                  static_cast<int>(kLabel.size())) == 1);
  if (EVP_PKEY_decrypt(context.get(), seed.data(), &size, sealed.data(), sealed.size()) != 1) return std::nullopt;
  seed.resize(size);
  return seed;
}

}  // namespace

std::optional<Bytes> open_tpm_credential(const crypto::SealedTpmCredential& sealed, ByteView key_name) {
  const auto seed = open_seed(sealed.secret);
  if (!seed || sealed.object.size() < 34 + 2) return std::nullopt;
  const ByteView integrity = ByteView(sealed.object).subspan(2, 32);
  const ByteView identity = ByteView(sealed.object).subspan(34);
  static constexpr std::uint8_t kOne[] = {0, 0, 0, 1}, k256[] = {0, 0, 1, 0}, k128[] = {0, 0, 0, 128};
  const Bytes mac_key = hmac(*seed, joined({kOne, as_bytes(std::string_view("INTEGRITY", 10)), k256}));
  if (!equal(hmac(mac_key, joined({identity, key_name})), integrity)) return std::nullopt;
  const Bytes key = hmac(*seed, joined({kOne, as_bytes(std::string_view("STORAGE", 8)), key_name, k128}));
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  static constexpr std::uint8_t kZero[16] = {};
  Bytes plain(identity.size());
  int size = 0;
  CLOISTER_CHECK(
      EVP_DecryptInit_ex2(context.get(), EVP_aes_128_cfb128(), key.data(), kZero, nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), plain.data(), &size, identity.data(), static_cast<int>(identity.size())) == 1);
  if (plain.size() < 2 || std::size_t{plain[1]} + 2 != plain.size() || plain[0] != 0) return std::nullopt;
  return Bytes(plain.begin() + 2, plain.end());
}

}  // namespace cloister::testing
