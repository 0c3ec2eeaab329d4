// Guests judged, decided about and kept by what attested release has: one policy, one set of floors, one archive.
#include "service/attestation/judgement.h"
#include "service/kbs/kbs_dialect.h"

namespace cloister::service {
namespace {

// The protocol has no roles and no manifests: policies say this word, and hold measurements and host data instead.
constexpr const char* kRole = "kbs";

KbsDecision decide(const policy::AttestationPolicy& policy, const KbsGuest& guest, const Target& target,
                   policy::Purpose purpose, Time now) {
  policy::ReleaseRequest request;
  request.tenant = target.tenant;
  request.environment = target.environment;
  request.dataset = target.dataset;
  request.purpose = purpose;
  request.role = kRole;
  request.parts.push_back(part_of(guest.verdict.primary));
  for (const attest::Verdict& device : guest.verdict.devices) request.parts.push_back(part_of(device));
  request.now = now;
  policy::ReleaseDecision decision = policy::decide(policy, request);
  return {decision.allowed, std::move(decision.reason)};
}

Status keep(const Archive& archive, const attest::EvidenceSet& evidence, const attest::SetVerdict& verdict,
            const attest::Collateral* collateral, crypto::Random& random) {
  CLOISTER_TRY([[maybe_unused]] const auto kept, archive.put_shared(attest::encode(evidence), random));
  if (collateral == nullptr) return {};
  std::vector<const attest::Verdict*> parts{&verdict.primary};
  for (const attest::Verdict& device : verdict.devices) parts.push_back(&device);
  for (const attest::Verdict* part : parts) {
    for (const attest::UsedCollateral& used : part->used) {
      const auto item = collateral->items().find(used.name);
      if (item == collateral->items().end() || item->second.digest() != used.digest) continue;
      CLOISTER_TRY([[maybe_unused]] const auto digest, archive.put_shared(encode(item->second), random));
    }
  }
  return {};
}

}  // namespace

void judge_by_attested_release(KbsOptions& options, AttestedRelease& releases, const KbsCollateral& collateral,
                               crypto::Random& random) {
  options.judge = [&releases, collateral](const attest::EvidenceSet& evidence, const Bytes& report_data,
                                          const Bytes& device_nonce, Time now) {
    const auto state = releases.state();
    const auto items = collateral.current();
    attest::SetVerdict verdict = attest::verify(
        evidence, {now, report_data, items.get(), &attest::Anchors::production(), &state->floors}, device_nonce);
    if (!verdict.sound()) collateral.wanted(evidence);
    return verdict;
  };
  options.refresh = [&releases](keys::Store& store) { return releases.refresh(store); };
  options.epoch = [&releases] { return releases.state()->epoch; };
  options.keep = [&releases, &random, collateral](const attest::EvidenceSet& evidence,
                                                  const attest::SetVerdict& verdict) {
    return keep(releases.archive(), evidence, verdict, collateral.current().get(), random);
  };
  options.decide = [&releases, purpose = options.purpose](const KbsGuest& guest, const Target& target, Time now) {
    return decide(releases.state()->policy, guest, target, purpose, now);
  };
}

}  // namespace cloister::service
