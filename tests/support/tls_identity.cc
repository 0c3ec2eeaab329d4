#include "tests/support/tls_identity.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/support/chain_verifier.h"

namespace cloister::testing {
namespace {

struct Free {
  void operator()(X509* object) const { X509_free(object); }
  void operator()(EVP_PKEY* object) const { EVP_PKEY_free(object); }
  void operator()(BIO* object) const { BIO_free(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string pem_of(X509* certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  CLOISTER_CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio.get());
}

std::string pem_of(EVP_PKEY* key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  CLOISTER_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

Bytes der_of(X509* certificate) {
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

Owned<EVP_PKEY> new_key() { return Owned<EVP_PKEY>(EVP_EC_gen("P-256")); }

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  CLOISTER_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void set_name(X509_NAME* name, const std::string& text) {
  CLOISTER_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                            reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0) == 1);
}

Owned<X509> new_certificate(EVP_PKEY* key, const std::string& name, Time not_before, Time not_after) {
  static long serial = 1;
  Owned<X509> certificate(X509_new());
  CLOISTER_CHECK(X509_set_version(certificate.get(), 2) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), not_before.unix_ms / 1000);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), not_after.unix_ms / 1000);
  set_name(X509_get_subject_name(certificate.get()), name);
  CLOISTER_CHECK(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

}  // namespace

std::shared_ptr<const net::Credentials> Identity::credentials() const {
  auto credentials = net::Credentials::from_pem(chain_pem, crypto::Secret::copy_of(as_bytes(key_pem)));
  CLOISTER_CHECK(credentials.ok());
  return std::move(credentials).value();
}

struct TlsAuthority::Keys {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
};

TlsAuthority::TlsAuthority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  keys_->key = new_key();
  const Time not_before{kTestTime.unix_ms - days(3650).ms};
  const Time not_after{kTestTime.unix_ms + days(3650).ms};
  keys_->certificate = new_certificate(keys_->key.get(), name, not_before, not_after);
  X509* certificate = keys_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  CLOISTER_CHECK(X509_sign(certificate, keys_->key.get(), EVP_sha256()) > 0);
  certificate_pem_ = pem_of(certificate);
}

TlsAuthority::~TlsAuthority() = default;

Identity TlsAuthority::issue(const Issue& issue) const {
  const Owned<EVP_PKEY> key = new_key();
  const Owned<X509> leaf = new_certificate(key.get(), "leaf", issue.not_before, issue.not_after);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(keys_->certificate.get()));
  add_extension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), NID_key_usage, "critical,digitalSignature");
  if (!issue.id.empty()) add_extension(leaf.get(), NID_subject_alt_name, "URI:" + issue.id);
  CLOISTER_CHECK(X509_sign(leaf.get(), keys_->key.get(), EVP_sha256()) > 0);
  return {{der_of(leaf.get())}, pem_of(leaf.get()), pem_of(key.get())};
}

std::shared_ptr<const net::PeerVerifier> TlsAuthority::verifier() const { return trust_authority(certificate_pem_); }

std::shared_ptr<const net::MutualTls> mutual_tls(const TlsAuthority& trusted, const Identity& own, Time now) {
  auto tls = net::MutualTls::create(std::make_shared<net::SwappableCredentials>(own.credentials()), trusted.verifier(),
                                    [now] { return now; });
  CLOISTER_CHECK(tls.ok());
  return std::move(tls).value();
}

}  // namespace cloister::testing
