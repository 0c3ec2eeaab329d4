#include "attest/verifier.h"

#include <algorithm>

#include "attest/amd/snp.h"

namespace cloister::attest {

Verdict verify(const Evidence& evidence, const Question& question) {
  switch (evidence.kind) {
    case Kind::kSnp: return verify_snp(evidence, question);
    default: break;
  }
  return unreadable(evidence.kind, question.now, Reason::kUnsupported, "evidence of this kind isn't verified here");
}

std::vector<CollateralNeed> needs(const Evidence& evidence) {
  switch (evidence.kind) {
    case Kind::kSnp: return snp_needs(evidence);
    default: return {};
  }
}

SetVerdict verify(const EvidenceSet& set, const Question& question, const std::optional<Bytes>& device_nonce) {
  SetVerdict verdict{verify(set.primary, question), {}};
  Question of_device = question;
  of_device.report_data = device_nonce;
  for (const Evidence& device : set.devices) verdict.devices.push_back(verify(device, of_device));
  return verdict;
}

bool SetVerdict::sound() const {
  return primary.sound() && std::ranges::all_of(devices, [](const Verdict& verdict) { return verdict.sound(); });
}

Assurance SetVerdict::assurance() const {
  Assurance least = primary.assurance;
  for (const Verdict& verdict : devices) least = std::min(least, verdict.assurance);
  return least;
}

Result<EvidenceSet> recognise(ByteView file) {
  if (auto evidence = recognise_snp(file)) return EvidenceSet{std::move(*evidence), {}};
  return decode_evidence(file);
}

}  // namespace cloister::attest
