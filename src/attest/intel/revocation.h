// Whether Intel has revoked a certificate behind a quote or behind its collateral.
#pragma once

#include "attest/intel/pck.h"
#include "attest/verifier.h"

namespace cloister::attest::intel {

// Adds the check "revocation": the root's list, for the authority of the chain and for those who signed statements, and
// the authority's list, for the platform's key. Lists that are used and, as floors, when they were made are noted.
void check_revocation(Verdict& verdict, const PckChain& chain, const std::vector<crypto::Certificate>& signers,
                      const Question& question);

}  // namespace cloister::attest::intel
