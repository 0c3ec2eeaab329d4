#include "probe/certificate/ocsp.h"

#include <algorithm>

#include "crypto/der.h"
#include "crypto/hash.h"

namespace cloister::probe {
namespace {

using crypto::DerReader;
namespace der = crypto::der;

constexpr std::string_view kWhat = "an OCSP response";
constexpr std::string_view kSigningOid = "1.3.6.1.5.5.7.3.9";
constexpr std::string_view kSha256Oid = "2.16.840.1.101.3.4.2.1";

// Named by the issuer to sign for it.
bool may_sign_for(const SeenCertificate& responder, const SeenCertificate& issuer, Time now) {
  if (!equal(responder.issuer, issuer.subject) || !responder.extended_usages) return false;
  if (std::ranges::find(*responder.extended_usages, kSigningOid) == responder.extended_usages->end()) return false;
  if (now < responder.not_before || now > responder.not_after) return false;
  return verify_signed_by(issuer, responder.signature_algorithm, responder.signed_part, responder.signature).ok();
}

Status check_signature(const OcspResponse& response, const SeenCertificate& issuer, Time now) {
  const auto by = [&](const SeenCertificate& signer) {
    return verify_signed_by(signer, response.signature_algorithm, response.signed_part, response.signature);
  };
  const Status direct = by(issuer);
  if (direct.ok()) return {};
  for (const Bytes& one : response.certificates) {
    const auto responder = read_certificate(one);
    if (responder.ok() && may_sign_for(*responder, issuer, now) && by(*responder).ok()) return {};
  }
  return Error(Code::kDenied, "the OCSP response isn't signed by the certificate's issuer nor by whom it named");
}

bool names_issuer(const OcspAnswer& answer, const SeenCertificate& issuer) {
  if (answer.hash_oid != kSha256Oid) return true;
  DerReader outer(issuer.spki);
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return false;
  DerReader fields(*content);
  const auto algorithm = fields.next(kWhat);
  const auto bits = fields.expect(der::kBitString, kWhat);
  if (!algorithm.ok() || !bits.ok() || bits->empty()) return false;
  return equal(answer.issuer_name_hash, crypto::sha256(issuer.subject)) &&
         equal(answer.issuer_key_hash, crypto::sha256(bits->subspan(1)));
}

}  // namespace

Status verify_signed_by(const SeenCertificate& signer, ByteView signature_algorithm, ByteView message,
                        ByteView signature) {
  CLOISTER_TRY(const crypto::PublicKey key, crypto::PublicKey::from_spki(signer.spki));
  CLOISTER_TRY(const crypto::SignatureAlgorithm algorithm, crypto::signature_algorithm_of(signature_algorithm));
  const Status verified = key.verify(algorithm, message, signature);
  if (verified.ok()) return {};
  return Error(Code::kDenied, "the signature isn't that of " + name_text(signer.subject));
}

Result<OcspAnswer> verify_ocsp(const OcspResponse& response, const SeenCertificate& certificate,
                               const SeenCertificate& issuer, Time now) {
  CLOISTER_RETURN_IF_ERROR(check_signature(response, issuer, now));
  const auto about_it = [&](const OcspAnswer& answer) {
    return equal(answer.serial, certificate.serial) && names_issuer(answer, issuer);
  };
  const auto answer = std::ranges::find_if(response.answers, about_it);
  if (answer == response.answers.end()) {
    return Error(Code::kNotFound, "the OCSP response says nothing of this certificate");
  }
  return *answer;
}

}  // namespace cloister::probe
