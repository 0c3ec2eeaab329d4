// Datasets and their keyrings: made, unlocked, changed, exported, imported.
#include "keys/dataset_hold.h"
#include "keys/hierarchy_state.h"

namespace cloister::keys {
namespace {

constexpr int kLooksMax = 20;

seal::KeyringOwner owner_of(const DatasetName& name) { return {name.tenant, name.environment, name.dataset}; }

AuditEntry dataset_entry(const Caller& caller, std::string_view action, const DatasetName& name) {
  return make_entry(caller, action, TenantName{name.tenant, name.environment}.text(), name.text());
}

std::string_view dataset_key_state_name(seal::DatasetKeyState state) {
  switch (state) {
    case seal::DatasetKeyState::kPrimary: return "primary";
    case seal::DatasetKeyState::kEnabled: return "enabled";
    case seal::DatasetKeyState::kDisabled: return "disabled";
    case seal::DatasetKeyState::kDestroyed: return "destroyed";
  }
  return "unknown";
}

// A wrapper that doesn't know the key a keyring names is no error of ours to pass on as "not found": the keyring is
// there.
Error locked(const Error& error, const DatasetName& name) {
  const Code code = error.code() == Code::kNotFound ? Code::kDenied : error.code();
  return Error(code, error.message()).with_context("unlock the keyring of " + name.text());
}

}  // namespace

Result<seal::Keyring> Hierarchy::State::unlock(const TenantRecord& tenant, const DatasetRecord& dataset) {
  const DatasetName name{tenant.tenant, tenant.environment, dataset.dataset};
  const auto version = kek_of(tenant, dataset);
  if (!version.ok()) return locked(version.error(), name);
  auto kek = open_kek(tenant, **version);
  if (!kek.ok()) return locked(kek.error(), name);
  auto keyring = seal::Keyring::unlock(dataset.keyring, owner_of(name), **kek, "ring", *random);
  if (!keyring.ok()) return locked(keyring.error(), name);
  return keyring;
}

// What isn't there or isn't enabled is for the change itself to refuse.
Status Hierarchy::State::open_for(const DatasetName& name, const DatasetRecord* dataset) {
  const auto tenant = store.tenant(name.tenant, name.environment);
  if (!tenant.ok() || tenant->versions.empty()) return {};
  if (dataset != nullptr) {
    const Status open = open_keks_of(*tenant, {dataset, 1});
    if (!open.ok()) return locked(open.error(), name);
  }
  const KekVersion& newest = tenant->versions.back();
  if (newest.state != KeyState::kEnabled) return {};
  CLOISTER_TRY(auto kek, open_kek(*tenant, newest));
  keep_open(*tenant, newest, std::move(kek));
  return {};
}

Status Hierarchy::create_dataset(const DatasetName& name, const Caller& caller) {
  const AuditEntry entry = dataset_entry(caller, "dataset.create", name);
  if (const auto valid = parse_dataset_name(name.text()); !valid.ok()) return state_->refuse(entry, valid.error());
  const State::KeepsOpen guard(*state_);
  if (const Status ready = state_->open_for(name, nullptr); !ready.ok()) return state_->refuse(entry, ready.error());
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(const TenantRecord tenant, state_->store.tenant(name.tenant, name.environment));
    CLOISTER_TRY(const auto kek, state_->open_newest_kek(tenant));
    CLOISTER_TRY(seal::Keyring keyring, seal::Keyring::create(owner_of(name), caller.now, *state_->random));
    DatasetRecord record{name.tenant, name.environment, name.dataset, caller.now, 0, {}};
    CLOISTER_TRY(record.keyring, keyring.serialize(*kek, "ring"));
    change.event().detail = "keyring " + to_hex(keyring.outline().keyring_id);
    return change.add_dataset(record);
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return {};
}

// What was read before must still be there when it is written: of two changes at once, one is kUnavailable.
Status Hierarchy::State::change_keyring(const DatasetName& name, std::string_view action, const Caller& caller,
                                        const KeyringEdit& edit) {
  const AuditEntry entry = dataset_entry(caller, action, name);
  const auto before = store.dataset(name.tenant, name.environment, name.dataset);
  if (!before.ok()) return refuse(entry, before.error());
  const KeepsOpen guard(*this);
  if (const Status ready = open_for(name, &*before); !ready.ok()) return refuse(entry, ready.error());
  const Status status = store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(const TenantRecord tenant, store.tenant(name.tenant, name.environment));
    CLOISTER_TRY(seal::Keyring keyring, unlock(tenant, *before));
    CLOISTER_TRY(change.event().detail, edit(keyring));
    CLOISTER_TRY(const auto kek, open_newest_kek(tenant));
    DatasetRecord after = *before;
    CLOISTER_TRY(after.keyring, keyring.serialize(*kek, "ring"));
    return change.update_dataset(after);
  });
  if (!status.ok()) return refuse(entry, status.error());
  return {};
}

Result<Cost> Hierarchy::rotate_dataset_key(const DatasetName& name, const Caller& caller) {
  const Meter meter(state_->store);
  Cost cost;
  const auto rotate = [&](seal::Keyring& keyring) -> Result<std::string> {
    CLOISTER_TRY(const DatasetHold hold, dataset_hold(state_->store, name));
    CLOISTER_RETURN_IF_ERROR(check_usable(hold, name));
    CLOISTER_TRY(const std::uint32_t version, keyring.rotate(caller.now));
    return "version " + std::to_string(version);
  };
  CLOISTER_RETURN_IF_ERROR(state_->change_keyring(name, "dataset_key.rotate", caller, rotate));
  cost.objects_touched = 1;
  meter.stop(cost);
  return cost;
}

Status Hierarchy::set_dataset_key_state(const DatasetName& name, std::uint32_t version, seal::DatasetKeyState state,
                                        const Caller& caller) {
  const Status status =
      state_->change_keyring(name, "dataset_key.set_state", caller, [&](seal::Keyring& keyring) -> Result<std::string> {
        CLOISTER_RETURN_IF_ERROR(keyring.set_state(version, state));
        return "version " + std::to_string(version) + " " + std::string(dataset_key_state_name(state));
      });
  if (state != seal::DatasetKeyState::kDestroyed) return status;
  // Also when refused: a version destroyed before, while another process was reading, is asked for again.
  const Status forgotten = state_->store.forget_overwritten(Overwritten::kKeyrings);
  const bool destroyed = status.ok() || status.error().code() == Code::kDenied || state_->store.is_done(status.error());
  if (!destroyed || forgotten.ok()) return status;
  return Error(Code::kUnavailable,
               "key version " + std::to_string(version) + " of " + name.text() +
                   " is destroyed, but its wrapped key is still in the store's files: " + forgotten.error().message());
}

Result<crypto::HpkePublicKey> Hierarchy::add_recipient(const DatasetName& name, crypto::HpkeKem kem,
                                                       const Caller& caller) {
  std::optional<crypto::HpkePublicKey> added;
  CLOISTER_RETURN_IF_ERROR(
      state_->change_keyring(name, "dataset.add_recipient", caller, [&](seal::Keyring& keyring) -> Result<std::string> {
        CLOISTER_TRY(added, keyring.add_recipient(kem));
        return "recipient " + added->key_id();
      }));
  return *added;
}

Result<seal::Keyring> Hierarchy::unlock_keyring(const DatasetName& name, std::string_view purpose,
                                                const Caller& caller) {
  AuditEntry entry = dataset_entry(caller, "keyring.unlock", name);
  for (int look = 0; look < kLooksMax; ++look) {
    // In this order: a rotation in between adds a KEK version to the tenant, and the older keyring still opens.
    const auto dataset = state_->store.dataset(name.tenant, name.environment, name.dataset);
    if (!dataset.ok()) return state_->refuse(entry, dataset.error());
    const auto hold = dataset_hold(state_->store, name);
    if (!hold.ok()) return state_->refuse(entry, hold.error());
    if (const Status usable = check_usable(*hold, name); !usable.ok()) return state_->refuse(entry, usable.error());
    const auto tenant = state_->store.tenant(name.tenant, name.environment);
    if (!tenant.ok()) return state_->refuse(entry, tenant.error());
    auto keyring = state_->unlock(*tenant, *dataset);
    if (!keyring.ok()) return state_->refuse(entry, keyring.error());
    entry.event.detail = "to " + std::string(purpose);
    const Use use{entry.event,
                  entry.extras,
                  {{name.tenant, name.environment, "", tenant->row_version},
                   {name.tenant, name.environment, name.dataset, dataset->row_version}}};
    // First the row, then the keys: what can't be recorded doesn't happen, nor what was forbidden in the meantime.
    CLOISTER_TRY(const auto recorded, state_->store.record_uses({&use, 1}));
    if (recorded[0]) return keyring;
  }
  return state_->refuse(entry,
                        Error(Code::kUnavailable, "the keys of " + name.text() + " change too often: try again"));
}

Result<Bytes> Hierarchy::export_keyring(const DatasetName& name, crypto::KeyWrapper& target, const Caller& caller) {
  CLOISTER_TRY(seal::Keyring keyring, unlock_keyring(name, "export", caller));
  AuditEntry entry = dataset_entry(caller, "keyring.export", name);
  auto bytes = keyring.serialize(target, "keyring-export");
  if (!bytes.ok())
    return state_->refuse(entry, Error(bytes.error()).with_context("export the keyring of " + name.text()));
  entry.event.detail = "to " + keyring.outline().ring_key.key_id;
  CLOISTER_RETURN_IF_ERROR(state_->store.record(entry));
  return bytes;
}

Result<DatasetName> Hierarchy::import_keyring(ByteView bytes, crypto::KeyWrapper& source, const Caller& caller) {
  AuditEntry entry = make_entry(caller, "keyring.import", "", "a keyring");
  const auto outline = seal::parse_keyring(bytes);
  if (!outline.ok()) return state_->refuse(entry, Error(outline.error()).with_context("import a keyring"));
  const DatasetName name{outline->owner.tenant, outline->owner.environment, outline->owner.dataset};
  entry = dataset_entry(caller, "keyring.import", name);
  if (const auto valid = parse_dataset_name(name.text()); !valid.ok()) return state_->refuse(entry, valid.error());

  const State::KeepsOpen guard(*state_);
  if (const Status ready = state_->open_for(name, nullptr); !ready.ok()) return state_->refuse(entry, ready.error());
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(const TenantRecord tenant, state_->store.tenant(name.tenant, name.environment));
    auto opened = seal::Keyring::unlock(bytes, owner_of(name), source, "keyring-export", *state_->random);
    if (!opened.ok()) return locked(opened.error(), name);
    CLOISTER_TRY(const auto kek, state_->open_newest_kek(tenant));
    DatasetRecord record{name.tenant, name.environment, name.dataset, caller.now, 0, {}};
    CLOISTER_TRY(record.keyring, opened->serialize(*kek, "ring"));
    change.event().detail = "keyring " + to_hex(outline->keyring_id) + " from " + outline->ring_key.key_id;
    return change.add_dataset(record);
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return name;
}

}  // namespace cloister::keys
