// Guests judged, decided about and kept by what attested release has: one policy, one set of floors, one archive.
#include "service/attestation/judgement.h"
#include "service/kbs/kbs_dialect.h"

namespace cloister::service {
namespace {

// The protocol has no roles and no manifests: policies say this word, and hold measurements and host data instead.
constexpr const char* kRole = "kbs";

// How guests are known.
struct Asker {
  std::string callers;
  policy::Purpose purpose;
};

// Decided, and kept before anything is handed out: once, as guests ask as often as they like.
Result<KbsDecision> decide(const AttestedRelease& releases, const KbsGuest& guest, const Target& target,
                           const Asker& as, Time now, crypto::Random& random) {
  const auto state = releases.state();
  if (state->epoch != guest.epoch) return Error(Code::kExpired, "what was verified is out of date: attest again");
  ReleaseRecord record;
  record.id = to_hex(crypto::random_array<16>(random));
  record.caller = as.callers + "/" + guest.tee;
  ReleaseCase& asked = record.asked;
  asked.now = now;
  asked.tenant = target.tenant;
  asked.environment = target.environment;
  asked.dataset = target.dataset;
  asked.purpose = as.purpose;
  asked.binding.role = kRole;
  asked.guest = guest.question;
  record.guest_evidence = guest.evidence;
  record.collateral = guest.collateral;
  record.floors = guest.floors;
  record.epoch = state->epoch;
  record.found = {guest.verdict, decide_on(asked, guest.verdict, state->policy)};
  const policy::ReleaseDecision& found = record.found.decision;
  const KbsKept::Grounds grounds{target.text(), state->policy_digest, state->epoch,
                                 found.allowed, found.rule,           found.reason};
  const std::lock_guard lock(guest.kept->mutex);
  auto& kept = guest.kept->decisions;
  if (const auto before = kept.find(grounds); before != kept.end()) return before->second;
  if (kept.size() >= KbsKept::kMax) {
    return Error(Code::kUnavailable, "too much was decided about this guest: attest again");
  }
  CLOISTER_TRY(record.policy, releases.archive().put_shared(as_bytes(state->policy_text), random));
  const Bytes encoded = encode(record);
  CLOISTER_RETURN_IF_ERROR(
      releases.archive().put_release(record.id, encoded, random).with_context("keep the decision"));
  return kept.emplace(grounds, KbsDecision{found.allowed, found.reason, record.id, crypto::sha256(encoded)})
      .first->second;
}

Result<KeptItems> keep(const Archive& archive, const KbsEvidence& evidence, const KbsJudgement& judgement,
                       crypto::Random& random) {
  CLOISTER_TRY([[maybe_unused]] const auto kept, archive.put_shared(attest::encode(evidence.evidence), random));
  return archive.put_used(evidence.evidence, judgement.verdict, judgement.collateral.get(), random);
}

}  // namespace

void judge_by_attested_release(KbsOptions& options, AttestedRelease& releases, const KbsCollateral& collateral,
                               crypto::Random& random) {
  options.judge = [&releases, collateral](const KbsEvidence& evidence) {
    const auto state = releases.state();
    KbsJudgement judgement{{}, {}, collateral.current()};
    const attest::Question question{evidence.question.judged, evidence.question.report_data, judgement.collateral.get(),
                                    &attest::Anchors::production(), &state->floors};
    judgement.verdict = attest::verify(evidence.evidence, question, evidence.question.device_nonce);
    judgement.floors = floors_for(judgement.verdict, state->floors);
    if (!judgement.verdict.sound()) collateral.wanted(evidence.evidence);
    return judgement;
  };
  options.refresh = [&releases](keys::Store& store) { return releases.refresh(store); };
  options.epoch = [&releases] { return releases.state()->epoch; };
  options.keep = [&releases, &random](const KbsEvidence& evidence, const KbsJudgement& judgement) {
    return keep(releases.archive(), evidence, judgement, random);
  };
  options.raise_floors = [&releases](keys::Store& store, const attest::SetVerdict& verdict, std::uint64_t epoch,
                                     const keys::Caller& caller) {
    return releases.raise_floors(store, seen_by(verdict), epoch, caller);
  };
  options.decide = [&releases, &random, callers = options.callers, purpose = options.purpose](
                       const KbsGuest& guest, const Target& target, Time now) {
    return decide(releases, guest, target, {callers, purpose}, now, random);
  };
}

}  // namespace cloister::service
