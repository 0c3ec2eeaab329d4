// Credentials from files, and a verifier that knows one certificate: both ends of a benchmark share it.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "bench.h"
#include "net/tls.h"

namespace bench {

inline std::string text_of(const char* path) {
  return std::string(cloister::as_text(must(cloister::read_file(path, 1 << 20))));
}

inline std::shared_ptr<const cloister::net::CredentialSource> load_credentials(const char* certificate,
                                                                               const char* key) {
  const auto secret = cloister::crypto::Secret::copy_of(must(cloister::read_file(key, 1 << 20)));
  auto credentials = must(cloister::net::Credentials::from_pem(text_of(certificate), secret));
  return std::make_shared<cloister::net::SwappableCredentials>(std::move(credentials));
}

class PinnedVerifier final : public cloister::net::PeerVerifier {
 public:
  explicit PinnedVerifier(const char* certificate) {
    const std::string pem = text_of(certificate);
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* parsed = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    if (parsed == nullptr) fail(std::string("no certificate in ") + certificate);
    der_.resize(static_cast<std::size_t>(i2d_X509(parsed, nullptr)));
    unsigned char* out = der_.data();
    i2d_X509(parsed, &out);
    X509_free(parsed);
    BIO_free(bio);
  }

  cloister::Result<cloister::net::Peer> verify(cloister::Time now,
                                               std::span<const cloister::Bytes> chain) const override {
    if (!cloister::equal(chain[0], der_)) {
      return cloister::Error(cloister::Code::kDenied, "not the certificate of this benchmark");
    }
    return cloister::net::Peer{"bench", now + cloister::days(1)};
  }

 private:
  cloister::Bytes der_;
};

}  // namespace bench
