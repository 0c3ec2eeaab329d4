// OpenSSL's objects that free themselves. Used by sources of crypto alone: no header of ours shows OpenSSL's types.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace cloister::crypto {

template <auto kFree>
struct Freeing {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

// Takes back what its scope put on the thread's queue of errors: an entry left there is read by the next TLS call as
// its own failure.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
  ~QuietErrors() { ERR_pop_to_mark(); }
};

using PkeyHandle = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freeing<EVP_MD_CTX_free>>;
using PkeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>>;
using SecretNumber = std::unique_ptr<BIGNUM, Freeing<BN_clear_free>>;
using GroupHandle = std::unique_ptr<EC_GROUP, Freeing<EC_GROUP_free>>;
using PointHandle = std::unique_ptr<EC_POINT, Freeing<EC_POINT_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Freeing<BN_CTX_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;
using AddressHandle = std::unique_ptr<ASN1_OCTET_STRING, Freeing<ASN1_OCTET_STRING_free>>;
using NameConstraintsHandle = std::unique_ptr<NAME_CONSTRAINTS, Freeing<NAME_CONSTRAINTS_free>>;

}  // namespace cloister::crypto
