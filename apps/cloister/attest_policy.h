// What an attestation policy would decide about verified evidence: offline, for one imagined request.
#pragma once

#include <CLI/App.hpp>

#include "attest/verifier.h"
#include "output.h"
#include "policy/attestation.h"

namespace cloister::cli {

struct AttestPolicyOptions {
  std::string file;  // empty: evidence is verified, and nothing decided
  std::string dataset, purpose, role, manifest;
};
void add_policy_options(CLI::App* verb, AttestPolicyOptions& options);

// Nothing where no policy is named. kInvalid where it is named and something of the request isn't.
Result<std::optional<policy::AttestationPolicy>> read_attestation_policy(const AttestPolicyOptions& options);

// Says the decision in `outcome`, and makes it fail where keys wouldn't be released.
Status decide(const policy::AttestationPolicy& policy, const AttestPolicyOptions& options,
              const attest::SetVerdict& verdict, Outcome& outcome);

}  // namespace cloister::cli
