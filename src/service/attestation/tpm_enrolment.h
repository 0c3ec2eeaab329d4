// Enrolment of TPMs' attestation keys: challenges wait in the store, authentic, until they are answered, once each.
// docs/formats/tpm-enrolment.md, docs/formats/service-settings.md SS-14.
#pragma once

#include "attest/collateral.h"
#include "attest/tpm/enrolment.h"
#include "attest/verdict.h"
#include "service/authentic_settings.h"

namespace cloister::service {

inline constexpr std::size_t kTpmChallengesMax = 1000;  // of a store, at one time

struct EndorsedTpm {
  attest::CollateralItem item;      // for the collateral
  attest::Verdict verdict;          // on the answer's quote: what the TPM says of itself and its machine
  crypto::Sha256Digest endorser{};  // fingerprint of the endorsement key
};

// Each call with a store of the caller's.
class TpmEnrolment {
 public:
  explicit TpmEnrolment(AuthenticSettings settings) : settings_(std::move(settings)) {}

  // That the endorsement key is a TPM's is for the caller to know; `because` says how, for the record. kDenied for keys
  // that may do more than they should, as attest::make_tpm_credential(); kUnavailable when too many are open.
  Result<attest::TpmChallenge> challenge(keys::Store& store, const attest::TpmIdentity& identity, std::string because,
                                         Duration lifetime, crypto::Random& random, const keys::Caller& caller) const;

  // Uses the challenge up. kDenied for one that isn't open here, for another key and for an answer that isn't to it;
  // kExpired. A refusal leaves the challenge open.
  Result<EndorsedTpm> endorse(keys::Store& store, const attest::TpmAnswer& answer, const keys::Caller& caller) const;

 private:
  AuthenticSettings settings_;
};

}  // namespace cloister::service
