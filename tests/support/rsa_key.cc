#include "tests/support/rsa_key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/pem.h"

namespace cloister::testing {
namespace {

crypto::Secret make_key(unsigned bits) {
  EVP_PKEY* key = EVP_RSA_gen(bits);
  CLOISTER_CHECK(key != nullptr);
  PKCS8_PRIV_KEY_INFO* outline = EVP_PKEY2PKCS8(key);
  std::uint8_t* encoded = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(outline, &encoded);
  CLOISTER_CHECK(size > 0);
  crypto::Secret der = crypto::Secret::copy_of({encoded, static_cast<std::size_t>(size)});
  OPENSSL_free(encoded);
  PKCS8_PRIV_KEY_INFO_free(outline);
  EVP_PKEY_free(key);
  return der;
}

const crypto::Secret& key() {
  static const crypto::Secret key = make_key(2048);
  return key;
}

}  // namespace

const std::string& rsa_key_pem() {
  static const std::string pem = crypto::to_pem(key().expose(), "PRIVATE KEY");
  return pem;
}

crypto::Secret rsa_key_der() { return crypto::Secret::copy_of(key().expose()); }
crypto::Secret weak_rsa_key_der() { return make_key(1024); }

}  // namespace cloister::testing
