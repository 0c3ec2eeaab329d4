// Verifies the quote of a TPM 2.0, kind "tpm". Parts: quote, signature, pcrs (see quote_checks.h), ak (the
// TPM2B_PUBLIC of the key that signed it; a bare SubjectPublicKeyInfo is read, but then nothing says what the key may
// sign), and ak-chain (PEM: the key's certificate first, the vendor's root last) where the vendor certified the key.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

// Checks, in this order: parse, published-key, certificate-chain, certificate-dates, revocation and rollback (these
// four only where the evidence has a chain), ak-attributes, endorsement, quote-signature, pcr-digest, report-data. The
// key is endorsed by its vendor's chain, or by an item tpm-endorsement of the collateral: who fills the collateral has
// asked the TPM for a credential, see credential.h. What the key may do is read in the endorsement; where that is of a
// bare key, "ak-attributes" isn't evaluated. A key that nobody vouches for proves nothing: "endorsement" isn't
// evaluated then. A TPM in software is never hardware.
Verdict verify_tpm(const Evidence& evidence, const Question& question);
std::vector<CollateralNeed> tpm_needs(const Evidence& evidence);

}  // namespace cloister::attest
