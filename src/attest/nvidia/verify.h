// Reports of NVIDIA's GPUs (Hopper, Blackwell) and of its NVSwitch: whose they are, what was measured, and whether that
// is what NVIDIA signed for this driver and this firmware. Both manifests of a GPU are needed, and one of a switch.
#pragma once

#include "attest/nvidia/findings.h"
#include "attest/verifier.h"

namespace cloister::attest::nvidia {

// Checks, in this order, each always there:
//   parse, published-key, chain, device, report-signature, report-data, fwid, revocation;
//   for each manifest (driver and vbios; of a switch bios) X-rim, X-rim-signature, X-rim-chain, X-rim-revocation,
//   X-measurements; of a GPU measurement-indexes; rollback.
// Whether a GPU is in DEVTOOLS mode isn't in its evidence, so there is no check of it: docs/threat-model.md.
Verdict verify(const Evidence& evidence, const Question& question);
// The same verdict, with what others of the same set were found to have in common.
Verdict verify(const Evidence& evidence, const Question& question, Findings& findings);

// The manifests, and OCSP answers for the device's certificates. Those for a manifest's own certificates are in
// rim_needs(), since the evidence doesn't have them.
std::vector<CollateralNeed> needs(const Evidence& evidence);
std::vector<CollateralNeed> rim_needs(ByteView rim);

// OCSP requests in DER by the key of the need they would answer, for the device's own certificates or a manifest's.
// Empty for what can't be read.
std::map<std::string, Bytes> ocsp_requests(const Evidence& evidence);
std::map<std::string, Bytes> ocsp_requests_of_rim(ByteView rim);

}  // namespace cloister::attest::nvidia
