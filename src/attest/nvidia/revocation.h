// OCSP answers about the certificates of a path: fresh, signed, and not older than ones that were seen before.
#pragma once

#include <span>
#include <string>

#include "attest/nvidia/findings.h"
#include "attest/verdict.h"
#include "attest/verifier.h"
#include "crypto/x509.h"

namespace cloister::attest::nvidia {

// An answer that names no end is believed for that long.
inline constexpr Duration kAnswerAge = hours(24);

// "nvidia/ocsp/<serial>": a floor, seconds since 1970 of the answer's own date. There are as many as devices, and each
// rises with every answer that is fetched: see is_answer_floor() in attest/floors.h for who keeps them.
std::string revocation_floor(const crypto::Certificate& certificate);

// Adds the check `name` to the verdict: every certificate from `first` on but the last has an answer, and none is
// revoked or on hold. What was used and seen is noted in the verdict too. An answer below a floor isn't used:
// `rolled_back` becomes true.
void check_revocation(std::string name, std::span<const crypto::Certificate> path, std::size_t first,
                      const Question& question, Findings& findings, bool& rolled_back, Verdict& verdict);

// Once, in place of another of the same name.
void note_used(const CollateralItem& item, Verdict& verdict);

}  // namespace cloister::attest::nvidia
