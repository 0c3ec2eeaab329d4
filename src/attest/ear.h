// Verdicts as Attestation Results for relying parties: EAR in a signed JWT, draft-ietf-rats-ear, with the trust vector
// of AR4SI (draft-ietf-rats-ar4si). docs/formats/attestation-result.md.
#pragma once

#include <string>

#include "attest/verifier.h"
#include "base/json.h"
#include "crypto/signer.h"

namespace cloister::attest {

// What the policy said after the verifier: without it nothing is known of the workload and its configuration.
enum class Appraisal { kNone, kAllowed, kRefused };

// How the members are called, and eat_profile.
enum class EarForm {
  kTrustee,  // early drafts' names, as the Confidential Containers have them
  kDraft4,   // draft-ietf-rats-ear-04
};

struct EarRequest {
  EarForm form = EarForm::kDraft4;
  std::string issuer;     // iss
  std::string policy_id;  // ear.appraisal-policy-id; empty where no policy was asked
  Appraisal appraisal = Appraisal::kNone;
  Bytes nonce;               // eat_nonce, 8 to 64 bytes; empty: left out
  JsonValue::Object claims;  // further members of the token: none of those above
  Time issued;
  Duration lifetime = minutes(5);
};

// More than a token that is carried about: eight devices say a lot.
inline constexpr std::size_t kEarSizeMax = 262'144;

// The payload. submods are cpu0 and gpu0, gpu1, … (nvswitch0 for switches), each with its status, vector and claims.
// insecure_software is contraindicated whatever the policy says, and named as what it is.
JsonValue ear_claims(const SetVerdict& verdict, const EarRequest& request);

// Signed, `kid` is the thumbprint of the signer's key (RFC 7638). Give another signer for insecure_software than for
// hardware. kInvalid for a nonce that an EAR can't have; the signer's codes.
Result<std::string> ear_token(const SetVerdict& verdict, const EarRequest& request, crypto::Signer& signer);

}  // namespace cloister::attest
