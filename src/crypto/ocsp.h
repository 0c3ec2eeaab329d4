// OCSP responses (RFC 6960): read within bounds, and held against the certificate's issuer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/x509.h"

namespace cloister::crypto {

class VerificationCache;

inline constexpr std::size_t kOcspSizeMax = 65'536;

enum class OcspState { kGood, kRevoked, kUnknown };
std::string_view name_of(OcspState state);  // "good", "revoked", "unknown"

// What the response says of one certificate.
struct OcspAnswer {
  std::string hash_oid;  // what the issuer was named with
  Bytes issuer_name_hash, issuer_key_hash;
  Bytes serial;  // the INTEGER's content
  OcspState state = OcspState::kUnknown;
  std::optional<Time> revoked_at;
  Time this_update;
  std::optional<Time> next_update;
  Bytes timestamps;  // SignedCertificateTimestampList, RFC 6962 3.3; empty: none
};

struct OcspResponse {
  Bytes signed_part;          // ResponseData
  Bytes responder_name;       // DER Name; empty where the responder is named by its key
  Bytes signature_algorithm;  // DER AlgorithmIdentifier
  Bytes signature;
  Time produced_at;
  std::vector<OcspAnswer> answers;
  std::vector<Bytes> certificates;  // DER, of the responder
};

// A successful basic response of at most kOcspSizeMax bytes. kInvalid for anything else; kUnavailable when the
// responder said that it can't answer.
Result<OcspResponse> parse_ocsp(ByteView der);

// Of the certificate that the answer is about: as Certificate::facts() has it.
Bytes serial_of(const OcspAnswer& answer);

// The answer about that certificate. The response is signed by its issuer, or by a responder that the issuer named with
// a certificate for OCSP signing, valid at `now`, and names the issuer as the certificate does, by SHA-256 or SHA-384.
// kDenied when it isn't signed so; kNotFound when it says nothing of that serial number. Freshness is the caller's to
// judge. "On hold" is revoked.
Result<OcspAnswer> verify_ocsp(const OcspResponse& response, const Certificate& certificate, const Certificate& issuer,
                               Time now, VerificationCache* cache = nullptr);

// The DER OCSPRequest for that certificate, its issuer named by SHA-256; without a nonce, so that answers can be kept.
Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer);
// The question that this was the answer to, to be asked again. Nothing where the issuer is named by another hash.
std::optional<Bytes> ocsp_request_again(const OcspAnswer& answer);

}  // namespace cloister::crypto
