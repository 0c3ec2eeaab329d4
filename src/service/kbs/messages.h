// The bodies of the KBS protocol, version 0.4: what a guest sends, and what its hardware must have signed over it.
// docs/api/kbs.md.
#pragma once

#include "service/kbs/sessions.h"

namespace cloister::service {

struct KbsAuth {
  std::string tee;
  KbsHash hash = KbsHash::kSha384;
};
// kUnsupported for a version other than 0.4.*, for a kind of machine that isn't served and where no hash is common;
// kInvalid for what is no such body.
Result<KbsAuth> parse_kbs_auth(std::string_view body);

struct KbsAttestation {
  std::string nonce;
  JsonValue public_key;  // the JWK as it was sent
  JsonValue primary;
  std::string additional;  // as it was sent: a JSON text, or empty
};
// kInvalid for what is no such body: names that an object has twice among them.
Result<KbsAttestation> parse_kbs_attestation(std::string_view body);

// What the machine's own evidence must carry, and what its devices' must: a digest over canonical JSON.
Result<Bytes> kbs_report_data(KbsHash hash, const KbsAttestation& attestation);
Result<Bytes> kbs_device_nonce(KbsHash hash, const KbsAttestation& attestation);

// Whether machines of that kind are served: snp, tdx, sgx, cca. "sample" never is.
bool kbs_tee_served(std::string_view tee);
// The evidence of a machine of that kind and of the NVIDIA GPUs and switches in it. kInvalid, kUnsupported.
Result<attest::EvidenceSet> kbs_evidence(std::string_view tee, const KbsAttestation& attestation);

}  // namespace cloister::service
