// AWS Nitro Enclaves' attestation documents verified.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

// AWS tells verifiers not to look for revocation lists: what it issues is short-lived instead. A document's key may
// live that long here, and an authority below the root that long.
inline constexpr Duration kNitroLeafLifetimeMax = hours(4);
inline constexpr Duration kNitroAuthorityLifetimeMax = days(32);

// Checks: parse, published-key, certificate-chain, certificate-dates, short-lived (in place of "revocation"),
// document-signature, debug, report-data (user_data, or the nonce where it has no user_data).
Verdict verify_nitro(const Evidence& evidence, const Question& question);
// A document, with the four bytes in front that dstack writes, or without.
std::optional<Evidence> recognise_nitro(ByteView file);

}  // namespace cloister::attest
