#include "cloister-worker/tpm_verbs.h"

#include "attest/tpm/enrolment.h"

namespace cloister::worker {

Result<std::string> tpm_identity(TpmDevice& device) {
  attest::TpmIdentity identity;
  CLOISTER_TRY(identity.endorsement, attest::parse_tpm_public(device.endorsement_key()));
  CLOISTER_TRY(identity.attestation, attest::parse_tpm_public(device.attestation_key()));
  CLOISTER_TRY(identity.certificate, device.endorsement_certificate());
  return attest::write_tpm_identity(identity);
}

Result<std::string> answer_tpm_challenge(TpmDevice& device, std::string_view text) {
  CLOISTER_TRY(const attest::TpmChallenge challenge, attest::parse_tpm_challenge(text));
  CLOISTER_TRY(const attest::TpmPublic key, attest::parse_tpm_public(device.attestation_key()));
  if (challenge.attestation_name != key.name()) {
    return Error(Code::kDenied, "the challenge is for another key than the one this TPM attests with");
  }
  CLOISTER_TRY(const crypto::Secret secret, device.activate(challenge.credential));
  CLOISTER_TRY(QuotedRegisters quoted, device.quote(attest::tpm_answer_proof(challenge.id, secret), kMachineRegisters));
  return attest::write_tpm_answer({challenge.id,
                                   {attest::Kind::kTpm,
                                    {{"quote", std::move(quoted.quote)},
                                     {"signature", std::move(quoted.signature)},
                                     {"pcrs", std::move(quoted.values)},
                                     {"ak", device.attestation_key()}}}});
}

}  // namespace cloister::worker
