// Evidence verified and decided about: the same for a request and, years later, for its replay. Pure.
#pragma once

#include "attest/binding.h"
#include "attest/verifier.h"
#include "policy/attestation.h"

namespace cloister::service {

// What evidence had to carry that came by a protocol of others (docs/api/kbs.md), in place of a binding of ours.
struct GuestQuestion {
  Bytes report_data, device_nonce;
  Time judged;  // when it was verified: decisions follow, each at its own time
};

// Everything that a verdict and a decision depend on, but collateral, floors and policy.
struct ReleaseCase {
  Time now;
  std::string tenant, environment, dataset;
  policy::Purpose purpose = policy::Purpose::kOperate;
  attest::Binding binding;  // manifest and devices are set by judge()
  Bytes manifest;
  attest::EvidenceSet evidence;
  // With it, binding says the role alone, there is no manifest, and no key of insecure_software is believed.
  std::optional<GuestQuestion> guest;
};

struct Judgement {
  attest::SetVerdict verdict;
  policy::ReleaseDecision decision;
};

// The largest number of each name.
attest::Floors higher(const attest::Floors& a, const attest::Floors& b);
// Those that a verdict can have gone by: not the ones of other devices' answers.
attest::Floors floors_for(const attest::SetVerdict& verdict, const attest::Floors& floors);
// Of all parts.
attest::Floors seen_by(const attest::SetVerdict& verdict);

// What the policy says of evidence with that verdict.
policy::ReleaseDecision decide_on(const ReleaseCase& asked, const attest::SetVerdict& verdict,
                                  const policy::AttestationPolicy& policy);
Judgement judge(const ReleaseCase& asked, const policy::AttestationPolicy& policy, const attest::Collateral* collateral,
                const attest::Floors& floors);

// What a policy is asked about.
policy::AttestedPart part_of(const attest::Verdict& verdict);

// For answers and for what is kept: JSON. Claims are bounded in size; bytes are hexadecimal.
std::string verdict_json(const attest::SetVerdict& verdict);

// Whether both found the same: kinds, assurance, each check's state and reason, claims, advisories. Words for people
// may differ between versions of the program.
bool same_findings(const attest::SetVerdict& a, const attest::SetVerdict& b);

}  // namespace cloister::service
