// A verifier's verdict for people and as JSON: every check with its outcome, and what follows.
#pragma once

#include "attest/verifier.h"
#include "output.h"

namespace cloister::cli {

// What a verdict comes to. Incomplete: nothing speaks against it, but not everything could be looked at.
enum class Standing { kVerified, kIncomplete, kRefused };
std::string_view standing_name(Standing standing);  // "verified", "incomplete", "refused"

// Whether the evidence must answer somebody's question.
enum class Fresh {
  kRequired,
  kAny,  // the check "report-data" may be one that wasn't made
};
Standing standing_of(const attest::Verdict& verdict, Fresh fresh);
Standing standing_of(const attest::SetVerdict& verdict, Fresh fresh);

// "FAILED debug (debug): the enclave was started for debugging"; empty for a verdict without a problem.
std::string problem_text(const attest::SetVerdict& verdict, Fresh fresh);

// The claims alone, one a line; empty where there are none. Policies name them so.
std::string claims_text(const attest::Verdict& verdict);
Json claims_json(const attest::Verdict& verdict);

// All of it, with the last line that says what it comes to.
std::string verdict_text(const attest::SetVerdict& verdict, Fresh fresh);
// docs/attestation.md has the members.
Json verdict_json(const attest::SetVerdict& verdict, Fresh fresh);

}  // namespace cloister::cli
