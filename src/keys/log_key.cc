// The log's signing key, wrapped by the root, and the checkpoints it signs. docs/formats/key-hierarchy.md, KH-7.
#include "keys/log_key.h"
#include "audit/checkpoint.h"
#include "audit/origin.h"
#include "keys/hierarchy_state.h"
#include "keys/root_check.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kLogKey = "log_key";
constexpr std::string_view kPurpose = "log";

crypto::WrapContext log_key_context(const Bytes& home_id, const std::array<std::uint8_t, 32>& commitment) {
  return {"", "", home_id, std::string(kPurpose), commitment};
}

}  // namespace

Result<std::string> make_log_key(const Bytes& home_id, crypto::KeyWrapper& root, crypto::Random& random) {
  const crypto::SigningKey key = crypto::SigningKey::generate(random);
  RootCheck kept;
  kept.commitment = crypto::key_commitment(key.seed(), kPurpose);
  CLOISTER_TRY(
      kept.wrapped,
      root.wrap(key.seed(), log_key_context(home_id, kept.commitment)).with_context("wrap the log's signing key"));
  return serialize_root_check(kept);
}

Status Hierarchy::State::load_log_key() {
  if (log_signing_key) return {};
  CLOISTER_TRY(const std::string text, store.setting(kLogKey));
  const std::string doing = "open the log's signing key";
  CLOISTER_TRY(const RootCheck kept, parse_root_check(text).with_context(doing));
  auto seed = roots->unwrap(kept.wrapped, log_key_context(home_id, kept.commitment));
  if (!seed.ok()) {
    // Not to be taken for a key that is still to be made.
    const Code code = seed.error().code() == Code::kNotFound ? Code::kDenied : seed.error().code();
    return Error(code, doing + ": " + seed.error().message());
  }
  if (!crypto::equal_constant_time(crypto::key_commitment(*seed, kPurpose), kept.commitment)) {
    return Error(Code::kCorrupt, doing + ": the key doesn't fit its commitment");
  }
  log_signing_key = crypto::SigningKey::from_seed(std::move(*seed));
  return {};
}

// Two heads that don't fit together, both signed, would be a proof against this log for ever.
Status Hierarchy::State::check_continues(std::string_view origin, const audit::TreeHead& head) {
  const auto before = signed_heads.find(origin);
  if (before == signed_heads.end() || before->second.size == 0) return {};
  const audit::TreeHead& older = before->second;
  const std::string doing = "sign a checkpoint of " + std::string(origin);
  if (head.size < older.size) {
    return Error(Code::kCorrupt,
                 doing + ": it has " + std::to_string(head.size) + " records, and had " + std::to_string(older.size));
  }
  CLOISTER_TRY(const auto proof, audit::consistency_proof(older.size, head.size, [&](const audit::NodeId& id) {
                                   return store.tree_node(origin, id);
                                 }).with_context(doing));
  return audit::verify_consistency(older, head, proof).with_context(doing);
}

Result<std::string> Hierarchy::sign_checkpoint(std::string_view origin, Time now) {
  CLOISTER_TRY(const audit::TreeHead head, state_->store.tree_head(origin));
  Status loaded = state_->load_log_key();
  if (!loaded.ok() && loaded.error().code() == Code::kNotFound) {
    const AuditEntry entry = make_entry(Caller{"cloister", now}, "log.create_key", "", "the log's signing key");
    CLOISTER_TRY(const OpenedRoot root, state_->home_root());
    CLOISTER_TRY(const std::string key, make_log_key(state_->home_id, *root.key, *state_->random));
    const Status made = state_->store.change(entry, [&](Store::Change& change) -> Status {
      if (state_->store.setting(kLogKey).ok()) return Error(Code::kExists, "the log has a key");
      CLOISTER_RETURN_IF_ERROR(state_->check_still_known(root.id));
      return change.put_setting(kLogKey, key);
    });
    if (!made.ok() && made.error().code() != Code::kExists) return made.error();
    loaded = state_->load_log_key();
  }
  CLOISTER_RETURN_IF_ERROR(loaded);
  CLOISTER_RETURN_IF_ERROR(state_->check_continues(origin, head));
  CLOISTER_TRY(const auto signer,
               audit::NoteSigner::make(origin, audit::NoteKeyType::kEd25519, *state_->log_signing_key));
  CLOISTER_TRY(std::string note, audit::sign_checkpoint({std::string(origin), head, {}}, signer));
  state_->signed_heads.insert_or_assign(std::string(origin), head);
  return note;
}

Result<std::string> Hierarchy::sign_note(std::string_view origin, const std::string& text, Time now) {
  if (audit::parse_checkpoint(text).ok()) return Error(Code::kInvalid, "a checkpoint isn't signed as another text");
  // Makes the key where there is none yet.
  CLOISTER_TRY([[maybe_unused]] const std::string head, sign_checkpoint(origin, now));
  CLOISTER_TRY(const auto signer,
               audit::NoteSigner::make(origin, audit::NoteKeyType::kEd25519, *state_->log_signing_key));
  return audit::write_note({text, {signer.sign(text, now)}});
}

Result<audit::VerifierKey> Hierarchy::log_key(std::string_view origin) {
  CLOISTER_TRY([[maybe_unused]] const audit::TreeHead head, state_->store.tree_head(origin));
  CLOISTER_RETURN_IF_ERROR(state_->load_log_key());
  return audit::VerifierKey::make(origin, audit::NoteKeyType::kEd25519, state_->log_signing_key->public_key());
}

}  // namespace cloister::keys
