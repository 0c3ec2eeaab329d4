#include "attest/verifier.h"

#include <algorithm>

#include "attest/amd/coco_snp.h"
#include "attest/amd/sev.h"
#include "attest/amd/snp.h"
#include "attest/arm/cca.h"
#include "attest/intel/verify.h"
#include "attest/nitro/nitro.h"
#include "attest/nvidia/composition.h"
#include "attest/nvidia/evidence_json.h"
#include "attest/nvidia/verify.h"
#include "attest/ra_tls.h"
#include "attest/software/verify.h"
#include "attest/tpm/azure.h"
#include "attest/tpm/coco_quote.h"
#include "attest/tpm/tpm.h"

namespace cloister::attest {
namespace {

bool is_nvidia(Kind kind) { return kind == Kind::kNvidiaGpu || kind == Kind::kNvidiaSwitch; }

void check_composition(SetVerdict& verdict) {
  std::vector<Verdict*> nvidias;
  const auto take = [&nvidias](Verdict& one) {
    if (is_nvidia(one.kind)) nvidias.push_back(&one);
  };
  take(verdict.primary);
  std::ranges::for_each(verdict.devices, take);
  if (!nvidias.empty()) nvidia::check_composition(nvidias);
}

// With a cache in any case: the question's, the collateral's, or else this one.
Question with_cache(Question question, crypto::VerificationCache& own) {
  if (question.cache == nullptr && question.collateral != nullptr) question.cache = question.collateral->cache();
  if (question.cache == nullptr) question.cache = &own;
  return question;
}

}  // namespace

Verdict verify(const Evidence& evidence, const Question& asked) {
  crypto::VerificationCache own;
  const Question question = with_cache(asked, own);
  switch (evidence.kind) {
    case Kind::kSgx:
    case Kind::kTdx: return intel::verify(evidence, question);
    case Kind::kSnp: return verify_snp(evidence, question);
    case Kind::kSev: return verify_sev(evidence, question);
    case Kind::kNvidiaGpu:
    case Kind::kNvidiaSwitch: return nvidia::verify(evidence, question);
    case Kind::kNitro: return verify_nitro(evidence, question);
    case Kind::kInsecureSoftware: return verify_software(evidence, question);
    case Kind::kCca: return verify_cca(evidence, question);
    case Kind::kTpm: return verify_tpm(evidence, question);
    case Kind::kAzureSnpVtpm:
    case Kind::kAzureTdxVtpm: return verify_azure(evidence, question);
    default: break;
  }
  return unreadable(evidence.kind, question.now, Reason::kUnsupported, "evidence of this kind isn't verified here");
}

std::vector<CollateralNeed> needs(const Evidence& evidence) {
  switch (evidence.kind) {
    case Kind::kSgx:
    case Kind::kTdx: return intel::needs(evidence);
    case Kind::kSnp: return snp_needs(evidence);
    case Kind::kNvidiaGpu:
    case Kind::kNvidiaSwitch: return nvidia::needs(evidence);
    case Kind::kCca: return cca_needs(evidence);
    case Kind::kTpm: return tpm_needs(evidence);
    case Kind::kAzureSnpVtpm:
    case Kind::kAzureTdxVtpm: return azure_needs(evidence);
    default: return {};
  }
}

SetVerdict verify(const EvidenceSet& set, const Question& asked, const std::optional<Bytes>& device_nonce) {
  crypto::VerificationCache own;
  const Question question = with_cache(asked, own);
  SetVerdict verdict{verify(set.primary, question), {}};
  Question of_device = question;
  of_device.report_data = device_nonce;
  nvidia::Findings findings;
  for (const Evidence& device : set.devices) {
    verdict.devices.push_back(is_nvidia(device.kind) ? nvidia::verify(device, of_device, findings)
                                                     : verify(device, of_device));
  }
  check_composition(verdict);
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
  if (auto evidence = recognise_coco_snp(file)) return EvidenceSet{std::move(*evidence), {}};
  if (auto evidence = recognise_nitro(file)) return EvidenceSet{std::move(*evidence), {}};
  if (auto devices = nvidia::recognise_json(file)) return *std::move(devices);
  if (const auto kind = intel::quote_kind(file)) return EvidenceSet{{*kind, {{"quote", to_bytes(file)}}}, {}};
  if (auto evidence = recognise_cca(file)) return EvidenceSet{std::move(*evidence), {}};
  CLOISTER_TRY(std::optional<Evidence> quoted, read_coco_quote(file));
  if (quoted) return EvidenceSet{std::move(*quoted), {}};
  if (as_text(file).starts_with("-----BEGIN CERTIFICATE-----")) {
    CLOISTER_TRY(const auto certificates, crypto::Certificate::parse_pem(as_text(file), 1));
    CLOISTER_TRY(RaTlsEvidence carried, read_ra_tls(certificates.front()));
    return EvidenceSet{std::move(carried.evidence), {}};
  }
  return decode_evidence(file);
}

}  // namespace cloister::attest
