// What collateral was found to be while one question is answered: the devices of a set ask for the same manifests and
// answers, and each signature is verified once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "attest/collateral.h"
#include "attest/nvidia/device.h"
#include "attest/nvidia/rim.h"
#include "attest/verdict.h"
#include "crypto/ocsp.h"

namespace cloister::attest::nvidia {

struct JudgedRim {
  Result<std::shared_ptr<const Rim>> rim;
  Status is_signed;
  std::optional<Refusal> refusal;  // of its chain
};

struct JudgedAnswer {
  // Unset when it is an answer of that issuer's that holds at that time.
  struct Problem {
    CheckState state = CheckState::kFailed;
    Reason reason = Reason::kRevocationUnknown;
    std::string detail;
  };
  std::optional<Problem> problem;
  crypto::OcspAnswer answer;
};

// For one question and no other: what is kept holds for its time, its anchors and its collateral. One thread at a time.
struct Findings {
  std::map<const CollateralItem*, std::unique_ptr<const JudgedRim>> rims;
  std::map<std::string, JudgedAnswer> answers;  // by the fingerprints of the certificate and of its issuer's
};

}  // namespace cloister::attest::nvidia
