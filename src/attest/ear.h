// Verdicts as Attestation Results for relying parties: EAR in a signed JWT, draft-ietf-rats-ear, with the trust vector
// of AR4SI (draft-ietf-rats-ar4si).
#pragma once

#include <string>

#include "attest/verifier.h"
#include "base/json.h"
#include "crypto/signer.h"

namespace cloister::attest {

// What the policy said after the verifier: without it nothing is known of the workload and its configuration.
enum class Appraisal { kNone, kAllowed, kRefused };

struct EarRequest {
  std::string profile;    // eat_profile
  std::string issuer;     // iss
  std::string policy_id;  // ear.appraisal-policy-id; empty where no policy was asked
  Appraisal appraisal = Appraisal::kNone;
  Bytes nonce;               // eat_nonce; empty: left out
  JsonValue::Object claims;  // further members of the token: none of those above
  Time issued;
  Duration lifetime = minutes(5);
};

// The payload. submods are cpu0 and gpu0, gpu1, … (nvswitch0 for switches), each with its status, vector and claims.
// insecure_software is contraindicated whatever the policy says, and named as what it is.
JsonValue ear_claims(const SetVerdict& verdict, const EarRequest& request);

// Signed, `kid` is the thumbprint of the signer's key (RFC 7638). Give another signer for insecure_software than for
// hardware. Errors are the signer's.
Result<std::string> ear_token(const SetVerdict& verdict, const EarRequest& request, crypto::Signer& signer);

}  // namespace cloister::attest
