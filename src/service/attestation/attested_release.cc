#include "service/attestation/attested_release.h"

#include <algorithm>

#include "attest/floors.h"
#include "service/attestation/sealed_keys.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

constexpr int kAttemptsMax = 5;

Result<std::array<std::uint8_t, 32>> bound_to(const std::optional<std::array<std::uint8_t, 32>>& part) {
  if (part) return *part;
  return Error(Code::kDenied, "this connection has nothing that evidence could be bound to");
}

// Who asks by TLS proves by evidence that the worker is at the other end of that very connection.
Status bind_to_connection(const net::ConnectionInfo* connection, attest::Binding& binding) {
  if (connection == nullptr || !connection->peer) return {};
  CLOISTER_TRY(const auto exporter, bound_to(connection->channel_binding));
  CLOISTER_TRY(binding.peer_key, bound_to(connection->peer_key));
  binding.exporter = to_bytes(exporter);
  return {};
}

std::string tee_of(const attest::SetVerdict& verdict) {
  std::string text(attest::kind_name(verdict.primary.kind));
  for (const attest::Verdict& device : verdict.devices) text += "+" + std::string(attest::kind_name(device.kind));
  return text + " " + std::string(attest::assurance_name(verdict.assurance()));
}

// Some check couldn't be made.
bool lacks_something(const attest::SetVerdict& verdict) {
  const auto lacks = [](const attest::Verdict& part) {
    return std::ranges::any_of(
        part.checks, [](const attest::Check& check) { return check.state == attest::CheckState::kNotEvaluated; });
  };
  return lacks(verdict.primary) || std::ranges::any_of(verdict.devices, lacks);
}

// The rows that the keyring was read from, as they are now.
Result<bool> is_current(keys::Store& store, const CachedKeyring& keyring) {
  for (const keys::RowVersion& seen : keyring.seen) {
    std::uint64_t version = 0;
    if (seen.dataset.empty()) {
      CLOISTER_TRY(const auto tenant, store.tenant(seen.tenant, seen.environment));
      version = tenant.row_version;
    } else {
      CLOISTER_TRY(const auto dataset, store.dataset(seen.tenant, seen.environment, seen.dataset));
      version = dataset.row_version;
    }
    if (version != seen.row_version) return false;
  }
  return true;
}

keys::AuditEntry entry_of(const Call& call, audit::Outcome outcome, std::string detail) {
  return {call.event(outcome, std::move(detail)), call.extras()};
}

// A refusal for what the evidence is, on record with it.
Result<Reply> refuse(const Call& call, keys::Store& store, const Lease& lease, Problem problem,
                     const std::string& more) {
  keys::AuditEntry entry = entry_of(call, audit::Outcome::kRefused, problem.detail + more);
  entry.extras.set_text(audit::Extra::kTee, lease.tee).set_digest(audit::Extra::kEvidenceDigest, lease.evidence);
  CLOISTER_RETURN_IF_ERROR(store.record(entry).with_context("write the audit log"));
  return Reply::of(std::move(problem));
}

}  // namespace

// One look at policy, floors and keys; another follows when they were changed meanwhile.
struct AttestedRelease::Attempt {
  std::string id;
  std::shared_ptr<const ReleaseState> state;
  ReleaseRecord record;  // of new evidence
  Lease lease;
  bool changed = false;  // what it relied on
  bool attested = true;  // by new evidence, not by a lease
};

Result<std::unique_ptr<AttestedRelease>> AttestedRelease::open(AttestedReleaseParts parts, keys::Store& store,
                                                               const keys::Caller& caller) {
  const ReleaseSettings settings(parts.settings);
  CLOISTER_TRY(crypto::KeyMaterial key, settings.archive_key(store, *parts.random, caller));
  CLOISTER_TRY(Archive archive, Archive::open(parts.archive, std::move(key)));
  CLOISTER_TRY(ResultTokens tokens, ResultTokens::open(parts.settings, store, *parts.random, caller));
  std::unique_ptr<AttestedRelease> opened(new AttestedRelease(std::move(parts), std::move(archive), std::move(tokens)));
  CLOISTER_RETURN_IF_ERROR(opened->refresh(store));
  return opened;
}

std::shared_ptr<const ReleaseState> AttestedRelease::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::shared_ptr<const ReleaseState> AttestedRelease::replace(std::shared_ptr<const ReleaseState> state) {
  const std::lock_guard lock(mutex_);
  if (state_->epoch <= state->epoch) state_ = state;
  return state;
}

Status AttestedRelease::refresh(keys::Store& store) {
  CLOISTER_TRY(auto next, settings_.load(store, state()));
  replace(std::move(next));
  return {};
}

Status AttestedRelease::guard(policy::Operation operation, const Target& target) const {
  using enum policy::Operation;
  if (operation != kUnwrap && operation != kDatasetExport && operation != kDatasetAddRecipient) return {};
  if (!state()->policy.guards(target.tenant, target.environment, target.dataset)) return {};
  return Error(Code::kDenied, "the attestation policy gives keys of this dataset to attested workers alone");
}

Result<Reply> AttestedRelease::release(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy) {
  keys::Store& store = hierarchy.store();
  auto dataset = store.dataset(call.target.tenant, call.target.environment, call.target.dataset);
  Result<Reply> reply = !dataset.ok() ? Result<Reply>(dataset.error())
                        : order.lease ? release_by_lease(order, call, hierarchy)
                                      : release_attested(order, call, hierarchy);
  if (reply.ok()) return reply;
  const Code code = reply.error().code();
  const bool failed = code == Code::kUnavailable || code == Code::kInternal || code == Code::kCorrupt;
  keys::AuditEntry entry =
      entry_of(call, failed ? audit::Outcome::kFailed : audit::Outcome::kRefused, reply.error().message());
  // Whoever asks for names that don't exist must not make trees of them.
  if (!dataset.ok()) entry.event.tenant.clear();
  CLOISTER_RETURN_IF_ERROR(store.record(entry).with_context("write the audit log"));
  if (code == Code::kDenied) return Reply::of({ProblemCode::kRefused, reply.error().message()});
  return reply;
}

Result<Reply> AttestedRelease::release_attested(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy) {
  const AttestationOrder& given = *order.attestation;
  CLOISTER_RETURN_IF_ERROR(challenges_.take(given.challenge, call.caller, given.role, call.now));
  Attempt attempt;
  ReleaseCase& asked = attempt.record.asked;
  asked.now = call.now;
  asked.tenant = call.target.tenant;
  asked.environment = call.target.environment;
  asked.dataset = call.target.dataset;
  asked.purpose = *call.purpose;
  asked.binding.role = given.role;
  asked.binding.nonce = to_bytes(given.challenge);
  asked.binding.recipient = to_bytes(given.recipient.bytes());
  CLOISTER_RETURN_IF_ERROR(bind_to_connection(call.request.connection.get(), asked.binding));
  asked.manifest = given.manifest;
  asked.evidence = given.evidence;
  attempt.record.caller = call.caller;
  attempt.lease.recipient = asked.binding.recipient;
  attempt.lease.role = given.role;
  for (int i = 0; i < kAttemptsMax; ++i) {
    Result<Reply> reply = try_release(order, call, hierarchy, attempt);
    if (reply.ok() || !attempt.changed) return reply;
  }
  return Error(Code::kUnavailable, "policy or keys are changed faster than they can be used: try again");
}

Result<Reply> AttestedRelease::try_release(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy,
                                           Attempt& attempt) {
  attempt.changed = false;
  CLOISTER_TRY(auto state, settings_.load(hierarchy.store(), this->state()));
  attempt.state = replace(std::move(state));
  attempt.id = to_hex(crypto::random_array<16>(random_));
  ReleaseRecord& record = attempt.record;
  record.id = attempt.id;
  record.epoch = attempt.state->epoch;
  const auto collateral = collateral_ ? collateral_() : nullptr;
  record.found = judge(record.asked, attempt.state->policy, collateral.get(), attempt.state->floors);
  record.floors = floors_for(record.found.verdict, attempt.state->floors);
  if (wanted_ && lacks_something(record.found.verdict)) wanted_(record.asked.evidence, call.caller);
  CLOISTER_RETURN_IF_ERROR(keep(attempt, collateral.get()).with_context("keep the evidence"));

  const policy::ReleaseDecision& decision = record.found.decision;
  attempt.lease.tee = tee_of(record.found.verdict);
  if (!decision.allowed) {
    return refuse(call, hierarchy.store(), attempt.lease, {ProblemCode::kRefused, decision.reason},
                  "; kept as " + attempt.id);
  }
  attempt.lease.id = attempt.id;
  attempt.lease.caller = call.caller;
  attempt.lease.target = call.target.text();
  attempt.lease.purpose = policy::purpose_name(*call.purpose);
  attempt.lease.rule = decision.rule;
  attempt.lease.expires = decision.lease_end(call.now);
  return hand_out(order, call, hierarchy, attempt);
}

// Before anything is handed out: nobody has keys for reasons that nobody can look at again.
Status AttestedRelease::keep(Attempt& attempt, const attest::Collateral* collateral) {
  ReleaseRecord& record = attempt.record;
  CLOISTER_TRY(record.collateral, archive_.put_used(record.asked.evidence, record.found.verdict, collateral, random_));
  CLOISTER_TRY(record.policy, archive_.put_shared(as_bytes(attempt.state->policy_text), random_));
  const Bytes encoded = encode(record);
  attempt.lease.evidence = crypto::sha256(encoded);
  return archive_.put_release(attempt.id, encoded, random_);
}

Result<std::uint64_t> AttestedRelease::raise_floors(keys::Store& store, const attest::Floors& seen,
                                                    std::uint64_t expected, const keys::Caller& caller) {
  const auto known = state();
  const bool any_is_higher = std::ranges::any_of(
      seen, [&known](const auto& one) { return attest::floor_of(known->floors, one.first) < one.second; });
  if (!any_is_higher) return expected;
  std::uint64_t epoch = expected;
  bool changed = false;
  const keys::AuditEntry entry{
      {caller.now, caller.actor, "attestation.raise-floors", "", "attestation", audit::Outcome::kAllowed, ""},
      caller.extras};
  const Status raised = store.change(entry, [&](keys::Store::Change& change) -> Status {
    // A store that can't be read isn't one of another epoch: whoever waits for the floors must not be admitted.
    CLOISTER_TRY(const std::uint64_t current, settings_.epoch(store));
    changed = current != expected;
    if (changed) return Error(Code::kUnavailable, "the attestation policy or a floor was changed meanwhile");
    CLOISTER_TRY(epoch, settings_.raise_floors(store, change, seen));
    return {};
  });
  if (!changed) CLOISTER_RETURN_IF_ERROR(raised);
  CLOISTER_RETURN_IF_ERROR(refresh(store));
  return epoch;
}

Result<Reply> AttestedRelease::release_by_lease(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy) {
  const auto lease = leases_.find(*order.lease, call.now);
  if (!lease || lease->caller != call.caller || lease->target != call.target.text() ||
      lease->purpose != policy::purpose_name(*call.purpose)) {
    return Error(Code::kDenied, "no such lease holds: attest again");
  }
  for (int i = 0; i < kAttemptsMax; ++i) {
    Attempt attempt;
    attempt.attested = false;
    attempt.id = lease->id;
    attempt.lease = *lease;
    CLOISTER_TRY(auto state, settings_.load(hierarchy.store(), this->state()));
    attempt.state = replace(std::move(state));
    if (attempt.state->epoch != lease->epoch) {
      return Error(Code::kDenied, "the lease has ended, since policy or collateral changed: attest again");
    }
    Result<Reply> reply = hand_out(order, call, hierarchy, attempt);
    if (reply.ok() || !attempt.changed) return reply;
  }
  return Error(Code::kUnavailable, "policy or keys are changed faster than they can be used: try again");
}

// Seals the keys, and records it with everything that it relied on unchanged; only then the answer leaves.
Result<Reply> AttestedRelease::hand_out(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy,
                                        Attempt& attempt) {
  CLOISTER_TRY(const auto keyring, keyrings_.get(call, &hierarchy));
  Lease& lease = attempt.lease;
  CLOISTER_TRY(const auto recipient, crypto::HpkePublicKey::parse(crypto::HpkeKem::kX25519, lease.recipient));
  Reply reply;
  reply.response.headers.add("content-type", "application/json");
  JsonWriter json(reply.response.body);
  json.begin_object().member("release", lease.id).name("lease").begin_object();
  json.member("expires", to_rfc3339(lease.expires)).end_object();
  json.name("policy").begin_object().member("id", attempt.state->policy.id());
  json.member("sha256", to_hex(attempt.state->policy_digest)).end_object();
  if (attempt.attested) json.name("verdict").json(verdict_json(attempt.record.found.verdict));
  if (order.ear) {
    CLOISTER_TRY(const std::string ear,
                 tokens_.sign(attempt.record.found.verdict, result_of(attempt.record, attempt.state->policy.id(),
                                                                      call.now, lease.expires - call.now)));
    json.member("ear", ear);
  }
  CLOISTER_TRY(const SealedKeys sealed, seal_keys(call, order.keys, *keyring, recipient, lease.id, random_, json));
  json.end_object();
  if (sealed.sealed == 0) {
    return refuse(call, hierarchy.store(), lease, *sealed.first_problem,
                  "; release " + lease.id + "; " + sealed.objects);
  }

  keys::AuditEntry entry =
      entry_of(call, audit::Outcome::kAllowed,
               std::to_string(sealed.sealed) + (sealed.sealed == 1 ? " key" : " keys") +
                   (sealed.refused == 0 ? "" : ", " + std::to_string(sealed.refused) + " refused") + " to role " +
                   lease.role + " by rule \"" + lease.rule + "\"" + (attempt.attested ? "" : ", under its lease") +
                   "; release " + lease.id + "; " + sealed.objects);
  entry.extras.set_text(audit::Extra::kTee, lease.tee);
  entry.extras.set_digest(audit::Extra::kEvidenceDigest, lease.evidence);
  if (sealed.version) entry.extras.set_number(audit::Extra::kKeyVersion, *sealed.version);
  keys::Store& store = hierarchy.store();
  const Status recorded = store.change(entry, [&](keys::Store::Change& change) -> Status {
    const Error meanwhile(Code::kUnavailable, "it was changed meanwhile");
    CLOISTER_TRY(const bool current, is_current(store, *keyring));
    attempt.changed = !current || !settings_.expect_epoch(store, attempt.state->epoch).ok();
    if (attempt.changed) return meanwhile;
    lease.epoch = attempt.state->epoch;
    if (!attempt.attested) return {};
    CLOISTER_TRY(lease.epoch, settings_.raise_floors(store, change, seen_by(attempt.record.found.verdict)));
    return {};
  });
  if (attempt.changed) keyrings_.outdated(call, keyring)();
  CLOISTER_RETURN_IF_ERROR(recorded);
  if (attempt.attested) leases_.add(lease, call.now);
  return reply;
}

}  // namespace cloister::service
