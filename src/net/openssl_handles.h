// Owners of OpenSSL's objects, and its error queue in words. Used by the TLS sources alone.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "net/tls.h"

namespace cloister::net {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using SslContext = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using Certificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using MemoryBio = std::unique_ptr<BIO, OpensslFree<BIO_free>>;

// The reason of the oldest queued error, and an empty queue.
inline std::string take_openssl_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

struct Credentials::Parts {
  std::vector<Certificate> chain;  // leaf first
  PrivateKey key;
  Time not_after;
};

}  // namespace cloister::net
