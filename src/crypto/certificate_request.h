// Certificate requests, PKCS #10 (RFC 2986): a public key, proof that the asker has its private half, and names the
// asker would like.
#pragma once

#include <string>

#include "crypto/signer.h"
#include "crypto/x509.h"

namespace cloister::crypto {

inline constexpr std::size_t kCertificateRequestSizeMax = 16384;

// Immutable. There is none whose signature doesn't verify.
class CertificateRequest {
 public:
  // Exactly one DER request. kInvalid for a malformed one, kCorrupt when its signature isn't that of its own key,
  // kUnsupported for keys and signatures of kinds that aren't used here.
  static Result<CertificateRequest> parse(ByteView der);
  // The one CERTIFICATE REQUEST block of a text.
  static Result<CertificateRequest> parse_pem(std::string_view text);

  const PublicKey& public_key() const { return public_key_; }
  // What the asker would like to be called. Nothing here is true.
  const AlternativeNames& names() const { return names_; }
  const Bytes& der() const { return der_; }

 private:
  CertificateRequest(PublicKey key, AlternativeNames names, Bytes der)
      : public_key_(std::move(key)), names_(std::move(names)), der_(std::move(der)) {}

  PublicKey public_key_;
  AlternativeNames names_;
  Bytes der_;
};

// A DER request without a subject; with `uri` as its one alternative name, unless that is empty.
Result<Bytes> write_certificate_request(std::string_view uri, Signer& signer);

}  // namespace cloister::crypto
