#include "tests/support/chain_verifier.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace cloister::testing {
namespace {

struct Free {
  void operator()(X509* object) const { X509_free(object); }
  void operator()(BIO* object) const { BIO_free(object); }
  void operator()(X509_STORE* object) const { X509_STORE_free(object); }
  void operator()(X509_STORE_CTX* object) const { X509_STORE_CTX_free(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

class AuthorityVerifier final : public net::PeerVerifier {
 public:
  explicit AuthorityVerifier(const std::string& pem) : store_(X509_STORE_new()) {
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const Owned<X509> authority(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    CLOISTER_CHECK(authority && X509_STORE_add_cert(store_.get(), authority.get()) == 1);
  }

  Result<net::Peer> verify(Time now, std::span<const Bytes> chain) const override {
    std::vector<Owned<X509>> parsed;
    for (const Bytes& der : chain) {
      const unsigned char* data = der.data();
      parsed.emplace_back(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
      if (!parsed.back()) return Error(Code::kCorrupt, "not a certificate");
    }
    const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
    CLOISTER_CHECK(X509_STORE_CTX_init(context.get(), store_.get(), parsed[0].get(), nullptr) == 1);
    X509_STORE_CTX_set_time(context.get(), 0, now.unix_ms / 1000);
    if (X509_verify_cert(context.get()) != 1) {
      const int reason = X509_STORE_CTX_get_error(context.get());
      return Error(reason == X509_V_ERR_CERT_HAS_EXPIRED ? Code::kExpired : Code::kDenied,
                   X509_verify_cert_error_string(reason));
    }
    return peer_of(parsed[0].get());
  }

 private:
  static Result<net::Peer> peer_of(X509* leaf) {
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
    net::Peer peer;
    if (names != nullptr && sk_GENERAL_NAME_num(names) > 0) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, 0);
      if (name->type == GEN_URI) {
        peer.id.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.uniformResourceIdentifier)));
      }
    }
    GENERAL_NAMES_free(names);
    std::tm parts{};
    ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &parts);
    peer.not_after = Time{std::int64_t{::timegm(&parts)} * 1000};
    return peer;
  }

  Owned<X509_STORE> store_;
};

}  // namespace

std::shared_ptr<const net::PeerVerifier> trust_authority(const std::string& authority_pem) {
  return std::make_shared<AuthorityVerifier>(authority_pem);
}

}  // namespace cloister::testing
