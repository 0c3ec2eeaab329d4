#include "service/attestation/replay.h"

namespace cloister::service {
namespace {

Result<Bytes> kept_item(const Archive& archive, const crypto::Sha256Digest& digest) {
  auto bytes = archive.shared(digest);
  if (bytes.ok() || bytes.error().code() != Code::kNotFound) return bytes;
  return Error(Code::kCorrupt, "what the release was decided by isn't all there: " + to_hex(digest) + " is missing");
}

}  // namespace

Result<Replay> replay_release(const Archive& archive, const std::string& id) {
  CLOISTER_TRY(const Bytes bytes, archive.release(id));
  CLOISTER_TRY(DecodedRelease decoded, decode_release(bytes));
  if (decoded.record.id != id) return Error(Code::kCorrupt, "the kept release " + id + " is another one");
  Replay replay{std::move(decoded.record), crypto::sha256(bytes), {}, std::move(decoded.found_json), {}};
  ReleaseRecord& record = replay.record;
  if (record.asked.guest) {
    CLOISTER_TRY(const Bytes evidence, kept_item(archive, record.guest_evidence));
    CLOISTER_TRY(record.asked.evidence, attest::decode_evidence(evidence));
  }

  attest::Collateral collateral;
  for (const auto& [name, digest] : record.collateral) {
    CLOISTER_TRY(const Bytes encoded, kept_item(archive, digest));
    CLOISTER_TRY(attest::CollateralItem item, decode_collateral_item(encoded));
    if (item.name() != name) return Error(Code::kCorrupt, "the kept item " + name + " is another one");
    collateral.add(std::move(item));
  }
  CLOISTER_TRY(const Bytes text, kept_item(archive, record.policy));
  policy::AttestationPolicy policy;
  if (!text.empty()) {
    CLOISTER_TRY(policy, policy::load_attestation_policy(as_text(text)));
    replay.policy_id = policy.id();
  }
  record.found = judge(record.asked, policy, &collateral, record.floors);
  replay.found = findings_json(record.found);
  return replay;
}

Result<attest::EarRequest> result_of(const Replay& replay, OnRecord on_record) {
  if (on_record == OnRecord::kNo) return Error(Code::kCorrupt, "the audit log has no record of what was kept");
  if (!replay.same()) return Error(Code::kCorrupt, "what was kept doesn't lead to what was decided");
  const policy::ReleaseDecision& decision = replay.record.found.decision;
  const Time issued = replay.record.asked.now;
  const Duration lifetime = decision.allowed ? decision.lease_end(issued) - issued : attest::EarRequest().lifetime;
  return result_of(replay.record, replay.policy_id, issued, lifetime);
}

}  // namespace cloister::service
