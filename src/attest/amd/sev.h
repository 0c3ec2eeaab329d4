// SEV and SEV-ES before SNP: the chain of a chip's keys, and SEV-ES's report, verified and reported. No key is ever
// released on it: certificates have no dates, nobody publishes what was revoked, and memory has no integrity. So the
// check "revocation" is never evaluated, and no verdict on it is sound.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

inline constexpr std::size_t kSevReportSize = 208;

// Checks: parse, published-key, root, ark-signature, ask-signature, cek-signature, pek-signature (the chip's),
// pek-owner-signature, oca-signature, pdh-signature, revocation, report-signature, debug, report-data (the report's 16
// bytes of nonce). The last three aren't evaluated where there is no report.
Verdict verify_sev(const Evidence& evidence, const Question& question);

}  // namespace cloister::attest
