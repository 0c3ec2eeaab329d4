// The verifier of Intel's quotes: kinds sgx and tdx.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest::intel {

// Checks, in this order: quote-signature, qe-binding, qe-signature, published-key, certificate-chain,
// certificate-dates, platform, revocation, tcb-info, qe-identity, quoting-enclave, tdx-module (tdx), tcb-level,
// rollback, debug, report-data, event-log (tdx, where the evidence has one).
Verdict verify(const Evidence& evidence, const Question& question);
std::vector<CollateralNeed> needs(const Evidence& evidence);
// Whether these bytes begin as a quote does; its kind.
std::optional<Kind> quote_kind(ByteView bytes);

}  // namespace cloister::attest::intel
