// Evidence in, verdict out. Pure: no network, no clock, no files; the same question has the same answer years later.
#pragma once

#include <optional>
#include <vector>

#include "attest/collateral.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verdict.h"
#include "base/clock.h"
#include "crypto/verification_cache.h"

namespace cloister::attest {

struct Question {
  Time now;
  // What the evidence must carry where its kind has a place for it: report data (zeros are put behind it up to the
  // field's size), SPDM nonce (its first 32 bytes), TPM extraData, Nitro nonce, CCA challenge. Unset: the check
  // "report-data" isn't evaluated.
  std::optional<Bytes> report_data;
  const Collateral* collateral = nullptr;  // null: there is none
  const Anchors* anchors = &Anchors::production();
  const Floors* floors = nullptr;  // null: none is known
  // What was verified before, to be found instead of verified again: verdicts are the same with and without. Null: the
  // collateral's, or where it has none, nothing that other questions needed.
  crypto::VerificationCache* cache = nullptr;
};

// Never throws, never fails: what can't be read is a verdict with a failed check.
Verdict verify(const Evidence& evidence, const Question& question);

// What verify() would look for, as far as the evidence says. Empty for evidence that can't be read.
std::vector<CollateralNeed> needs(const Evidence& evidence);

// One verdict a part: the machine's own first, then the devices' in their order. Devices are asked for `device_nonce`.
// Those of NVIDIA's have one check more, "composition": see attest/nvidia/composition.h.
struct SetVerdict {
  Verdict primary;
  std::vector<Verdict> devices;
  bool sound() const;
  // The least of all parts.
  Assurance assurance() const;
};
SetVerdict verify(const EvidenceSet& set, const Question& question, const std::optional<Bytes>& device_nonce);

// What evidence that comes without a name is: a file that somebody was handed. Raw quotes, reports and documents,
// CoCo's JSON, certificates that carry evidence, and what attest::encode() wrote. kUnsupported when it is none of them.
Result<EvidenceSet> recognise(ByteView file);

}  // namespace cloister::attest
