// Certificate chains and their keys: parsed once, checked to fit, never changed.
#include <openssl/pem.h>

#include <ctime>

#include "net/openssl_handles.h"

namespace cloister::net {
namespace {

constexpr std::size_t kCertificateBytesMax = 64 << 10;

Result<Certificate> parse_certificate(ByteView der) {
  if (der.size() > kCertificateBytesMax) return Error(Code::kInvalid, "a certificate is larger than 64 KiB");
  const unsigned char* data = der.data();
  Certificate certificate(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  if (!certificate || data != der.data() + der.size()) {
    return Error(Code::kInvalid, "not one DER certificate: " + take_openssl_reason());
  }
  return certificate;
}

// A passphrase is never asked for.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<PrivateKey> parse_pem_key(const crypto::Secret& pem) {
  const MemoryBio bio(BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size())));
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return Error(Code::kInvalid, "not an unencrypted PEM private key: " + take_openssl_reason());
  return key;
}

Result<PrivateKey> parse_pkcs8_key(const crypto::Secret& der) {
  const unsigned char* data = der.expose().data();
  const unsigned char* end = data + der.size();
  PrivateKey key(d2i_AutoPrivateKey(nullptr, &data, static_cast<long>(der.size())));
  if (!key || data != end) return Error(Code::kInvalid, "not one PKCS#8 private key: " + take_openssl_reason());
  return key;
}

Result<std::vector<Certificate>> parse_pem_chain(std::string_view pem) {
  std::vector<Certificate> chain;
  const MemoryBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (chain.size() <= PeerVerifier::kChainMax) {
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!certificate) break;
    chain.push_back(std::move(certificate));
  }
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_reason();
  if (chain.size() <= PeerVerifier::kChainMax && !at_end) {
    return Error(Code::kInvalid, "not a chain of PEM certificates: " + reason);
  }
  return chain;
}

Result<Time> not_after_of(const std::vector<Certificate>& chain) {
  Time earliest{INT64_MAX};
  for (const Certificate& certificate : chain) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) {
      ERR_clear_error();
      return Error(Code::kInvalid, "a certificate has no readable end date");
    }
    earliest = std::min(earliest, Time{std::int64_t{::timegm(&parts)} * 1000});
  }
  return earliest;
}

Result<std::unique_ptr<Credentials::Parts>> fit_together(std::vector<Certificate> chain, PrivateKey key) {
  if (chain.empty()) return Error(Code::kInvalid, "there is no certificate");
  if (chain.size() > PeerVerifier::kChainMax) return Error(Code::kInvalid, "a certificate chain is longer than 8");
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    ERR_clear_error();
    return Error(Code::kInvalid, "the private key isn't the first certificate's");
  }
  CLOISTER_TRY(const Time not_after, not_after_of(chain));
  return std::make_unique<Credentials::Parts>(Credentials::Parts{std::move(chain), std::move(key), not_after});
}

}  // namespace

Credentials::Credentials(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Credentials::~Credentials() = default;

Time Credentials::not_after() const { return parts_->not_after; }

Result<std::shared_ptr<const Credentials>> Credentials::from_der(std::span<const Bytes> chain,
                                                                 const crypto::Secret& key) {
  std::vector<Certificate> certificates;
  for (const Bytes& der : chain) {
    CLOISTER_TRY(Certificate certificate, parse_certificate(der));
    certificates.push_back(std::move(certificate));
  }
  CLOISTER_TRY(PrivateKey private_key, parse_pkcs8_key(key));
  CLOISTER_TRY(auto parts, fit_together(std::move(certificates), std::move(private_key)));
  return std::shared_ptr<const Credentials>(new Credentials(std::move(parts)));
}

Result<std::shared_ptr<const Credentials>> Credentials::from_pem(std::string_view chain, const crypto::Secret& key) {
  if (chain.size() > PeerVerifier::kChainMax * kCertificateBytesMax || key.size() > kCertificateBytesMax) {
    return Error(Code::kInvalid, "certificates or their key are larger than any real ones");
  }
  CLOISTER_TRY(auto certificates, parse_pem_chain(chain));
  CLOISTER_TRY(PrivateKey private_key, parse_pem_key(key));
  CLOISTER_TRY(auto parts, fit_together(std::move(certificates), std::move(private_key)));
  return std::shared_ptr<const Credentials>(new Credentials(std::move(parts)));
}

SwappableCredentials::SwappableCredentials(std::shared_ptr<const Credentials> first) : current_(std::move(first)) {
  CLOISTER_CHECK(current_ != nullptr);
}

std::shared_ptr<const Credentials> SwappableCredentials::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

void SwappableCredentials::replace(std::shared_ptr<const Credentials> next) {
  CLOISTER_CHECK(next != nullptr);
  const std::scoped_lock lock(mutex_);
  current_ = std::move(next);
}

}  // namespace cloister::net
