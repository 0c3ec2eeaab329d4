// Verifies the token of an Arm CCA realm, kind "cca".
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

// Checks, in this order: parse, profile, endorsement, published-key, platform-signature, realm-signature, binding,
// lifecycle, debug, report-data. The platform's key comes from the collateral (cca-endorsement) and from nowhere else:
// Arm has no root, so who fills the collateral vouches for it. Tokens carry no dates; what makes one fresh is the
// challenge.
Verdict verify_cca(const Evidence& evidence, const Question& question);
std::vector<CollateralNeed> cca_needs(const Evidence& evidence);

// Evidence, when the file is a CBOR item with a CCA token's tag.
std::optional<Evidence> recognise_cca(ByteView file);

}  // namespace cloister::attest
