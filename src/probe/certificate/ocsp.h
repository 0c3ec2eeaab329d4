// OCSP responses as servers staple them, held against the certificate's issuer as it was seen.
#pragma once

#include "crypto/ocsp.h"
#include "probe/certificate/seen_certificate.h"

namespace cloister::probe {

using crypto::kOcspSizeMax;
using crypto::OcspAnswer;
using crypto::OcspResponse;
using crypto::OcspState;
using crypto::parse_ocsp;

// The answer about that certificate. The response is signed by its issuer, or by a responder that the issuer named with
// a certificate for OCSP signing, valid at `now`. kDenied when it is not; kNotFound when it says nothing of that serial
// number. Freshness is the caller's to judge. The hashes of the issuer's name and key are compared where they are
// SHA-256; by SHA-1 they add nothing to the signature of that issuer.
Result<OcspAnswer> verify_ocsp(const OcspResponse& response, const SeenCertificate& certificate,
                               const SeenCertificate& issuer, Time now);

// Signed by that certificate's key. kDenied when it is not, kUnsupported for keys and algorithms that aren't used here.
Status verify_signed_by(const SeenCertificate& signer, ByteView signature_algorithm, ByteView message,
                        ByteView signature);

}  // namespace cloister::probe
