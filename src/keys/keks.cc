// KEK versions: made, opened, rotated, disabled, destroyed. docs/formats/key-hierarchy.md, "States".
#include <algorithm>
#include <map>

#include "base/reader.h"
#include "crypto/hash.h"
#include "keys/hierarchy_state.h"

namespace cloister::keys {
namespace {

constexpr Duration kDestructionWaitMax = days(3650);

std::string version_name(const TenantRecord& tenant, std::uint32_t version) {
  return "KEK version " + std::to_string(version) + " of " + tenant.name();
}

Error wrong_state(const TenantRecord& tenant, const KekVersion& version) {
  const std::string name = version_name(tenant, version.version);
  switch (version.state) {
    case KeyState::kEnabled: return Error(Code::kDenied, name + " is enabled");
    case KeyState::kDisabled: return Error(Code::kDenied, name + " is disabled: enable it to use it again");
    case KeyState::kDestructionScheduled:
      return Error(Code::kDenied, name + " is scheduled for destruction at " +
                                      to_rfc3339(version.destroy_at.value_or(Time{})) +
                                      ": cancel that, then enable it");
    case KeyState::kDestroyed: break;
  }
  return Error(Code::kDenied, name + " is destroyed: what it wrapped can't be opened any more");
}

Status destroy_version(const TenantRecord& tenant, KekVersion& version) {
  if (version.state == KeyState::kDestroyed) return wrong_state(tenant, version);
  version.state = KeyState::kDestroyed;
  version.destroy_at.reset();
  version.wrapped.parameters.clear();
  version.wrapped.ciphertext.clear();
  return {};
}

}  // namespace

Result<crypto::WrapContext> Hierarchy::State::kek_context(const TenantRecord& tenant, const KekVersion& version) const {
  const auto kek_id = from_hex(tenant.kek_id);
  if (!kek_id.ok()) return Error(Code::kCorrupt, "the KEK's id of " + tenant.name() + " isn't hexadecimal");
  std::uint8_t number[4];
  store_le(number, version.version);
  Bytes object = home_id;
  object.insert(object.end(), kek_id->begin(), kek_id->end());
  object.insert(object.end(), std::begin(number), std::end(number));
  return crypto::WrapContext{tenant.name(), "", std::move(object), "kek", version.commitment};
}

Result<KekVersion> Hierarchy::State::make_kek(const TenantRecord& tenant, std::uint32_t version, const OpenedRoot& root,
                                              Time now) {
  const crypto::Kek kek = crypto::Kek::random(*random);
  KekVersion made;
  made.version = version;
  made.created = now;
  made.commitment = crypto::key_commitment(kek.material(), "kek");
  CLOISTER_TRY(const crypto::WrapContext context, kek_context(tenant, made));
  CLOISTER_TRY(made.wrapped,
               root.key->wrap(kek.material(), context).with_context("wrap " + version_name(tenant, version)));
  return made;
}

Result<crypto::Kek> Hierarchy::State::unwrap_kek(const TenantRecord& tenant, const KekVersion& version) {
  const std::string doing = "unwrap " + version_name(tenant, version.version);
  CLOISTER_TRY(const crypto::WrapContext context, kek_context(tenant, version).with_context(doing));
  auto key = roots->unwrap(version.wrapped, context);
  if (!key.ok()) {
    const Code code = key.error().code() == Code::kNotFound ? Code::kDenied : key.error().code();
    return Error(code, doing + ": " + key.error().message());
  }
  if (!crypto::equal_constant_time(crypto::key_commitment(*key, "kek"), version.commitment)) {
    return Error(Code::kCorrupt, doing + ": the key doesn't fit its commitment");
  }
  return crypto::Kek(std::move(*key));
}

Result<std::shared_ptr<KekWrapper>> Hierarchy::State::open_kek(const TenantRecord& tenant, const KekVersion& version) {
  if (version.state != KeyState::kEnabled) return wrong_state(tenant, version);
  const auto open = open_keks.find(kek_subject(tenant, version.version));
  if (open != open_keks.end() && open->second.ciphertext == version.wrapped.ciphertext) return open->second.kek;
  CLOISTER_TRY(crypto::Kek kek, unwrap_kek(tenant, version));
  return std::make_shared<KekWrapper>(kek_key_id(tenant.kek_id), version.version, std::move(kek), *random);
}

Result<std::shared_ptr<KekWrapper>> Hierarchy::State::open_newest_kek(const TenantRecord& tenant) {
  if (tenant.versions.empty()) return Error(Code::kCorrupt, "tenant " + tenant.name() + " has no KEK");
  return open_kek(tenant, tenant.versions.back());
}

void Hierarchy::State::keep_open(const TenantRecord& tenant, const KekVersion& version,
                                 std::shared_ptr<KekWrapper> kek) {
  open_keks.insert_or_assign(kek_subject(tenant, version.version), OpenKek{version.wrapped.ciphertext, std::move(kek)});
}

Status Hierarchy::State::open_keks_of(const TenantRecord& tenant, std::span<const DatasetRecord> datasets) {
  for (const DatasetRecord& dataset : datasets) {
    const auto version = kek_of(tenant, dataset);
    // What doesn't fit is for the change itself to refuse, and what isn't enabled needn't be open.
    if (!version.ok() || (*version)->state != KeyState::kEnabled) continue;
    if (open_keks.contains(kek_subject(tenant, (*version)->version))) continue;
    CLOISTER_TRY(auto kek, open_kek(tenant, **version));
    keep_open(tenant, **version, std::move(kek));
  }
  return {};
}

Result<const KekVersion*> Hierarchy::State::kek_of(const TenantRecord& tenant, const DatasetRecord& dataset) {
  CLOISTER_TRY(const seal::KeyringOutline outline, seal::parse_keyring(dataset.keyring));
  if (outline.ring_key.key_id != kek_key_id(tenant.kek_id)) {
    return Error(Code::kDenied, "the keyring is under " + outline.ring_key.key_id + ", which isn't the KEK of " +
                                    tenant.name() + ": it was moved here");
  }
  const auto version = std::ranges::find(tenant.versions, outline.ring_key.key_version, &KekVersion::version);
  if (version == tenant.versions.end()) {
    return Error(Code::kDenied, "the keyring is under " + version_name(tenant, outline.ring_key.key_version) +
                                    ", which doesn't exist");
  }
  return &*version;
}

Result<std::uint64_t> Hierarchy::State::count_under(const TenantRecord& tenant, std::uint32_t version) {
  CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
  std::uint64_t count = 0;
  for (const DatasetRecord& dataset : datasets) {
    const auto kek = kek_of(tenant, dataset);
    if (kek.ok() && (*kek)->version == version) ++count;
  }
  return count;
}

// All or nothing: a keyring that doesn't open under its enabled version was tampered with, and stops the rotation.
Status Hierarchy::State::rewrap_keyrings(Store::Change& change, const TenantRecord& tenant, Cost& cost) {
  CLOISTER_TRY(const auto target, open_newest_kek(tenant));
  CLOISTER_TRY(auto datasets, store.datasets(tenant.tenant, tenant.environment));
  std::map<std::uint32_t, std::shared_ptr<KekWrapper>> sources;
  for (DatasetRecord& dataset : datasets) {
    const std::string doing = "rewrap the keyring of " + tenant.name() + "/" + dataset.dataset;
    CLOISTER_TRY(const KekVersion* version, kek_of(tenant, dataset).with_context(doing));
    if (version->state != KeyState::kEnabled) {
      ++cost.datasets_unreadable;
      continue;
    }
    auto source = sources.find(version->version);
    if (source == sources.end()) {
      CLOISTER_TRY(auto opened, open_kek(tenant, *version));
      source = sources.emplace(version->version, std::move(opened)).first;
    }
    const seal::KeyringOwner owner{tenant.tenant, tenant.environment, dataset.dataset};
    CLOISTER_TRY(seal::Keyring keyring,
                 seal::Keyring::unlock(dataset.keyring, owner, *source->second, "ring", *random).with_context(doing));
    CLOISTER_TRY(dataset.keyring, keyring.serialize(*target, "ring").with_context(doing));
    CLOISTER_RETURN_IF_ERROR(change.update_dataset(dataset));
    ++cost.objects_touched;
  }
  return {};
}

Result<KekVersion> Hierarchy::State::prepare_rotation(const TenantRecord& tenant, Time now) {
  CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
  CLOISTER_RETURN_IF_ERROR(open_keks_of(tenant, datasets));
  CLOISTER_TRY(const OpenedRoot root, root_for(tenant));
  const std::uint32_t number = tenant.versions.empty() ? 1 : tenant.versions.back().version + 1;
  CLOISTER_TRY(KekVersion made, make_kek(tenant, number, root, now));
  CLOISTER_TRY(auto kek, open_kek(tenant, made));
  keep_open(tenant, made, std::move(kek));
  return made;
}

Status Hierarchy::State::rotate_kek(Store::Change& change, TenantRecord tenant, KekVersion made, Cost& cost) {
  CLOISTER_RETURN_IF_ERROR(check_still_known(made.wrapped.key_id));
  const std::uint32_t number = made.version;
  tenant.versions.push_back(std::move(made));
  CLOISTER_RETURN_IF_ERROR(change.update_tenant(tenant));  // compare-and-swap: of two rotations one ends here
  ++cost.objects_touched;
  CLOISTER_RETURN_IF_ERROR(rewrap_keyrings(change, tenant, cost));
  change.event().subject = kek_subject(tenant, number);
  change.event().detail = counted(cost.objects_touched - 1, "keyring") + " rewrapped";
  if (cost.datasets_unreadable != 0) {
    change.event().detail +=
        ", " + std::to_string(cost.datasets_unreadable) + " left under versions that aren't enabled";
  }
  return {};
}

Result<Cost> Hierarchy::rotate_kek(const TenantName& name, const Caller& caller, std::string_view reason) {
  const Meter meter(state_->store);
  const AuditEntry entry = make_entry(caller, "kek.rotate", name.text(), name.text());
  const auto tenant = state_->store.tenant(name.tenant, name.environment);
  if (!tenant.ok()) return state_->refuse(entry, tenant.error());
  const State::KeepsOpen guard(*state_);
  const auto made = state_->prepare_rotation(*tenant, caller.now);
  if (!made.ok()) return state_->refuse(entry, made.error());
  Cost cost;
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    cost = Cost{};
    CLOISTER_RETURN_IF_ERROR(state_->rotate_kek(change, *tenant, *made, cost));
    if (!reason.empty()) change.event().detail.insert(0, "reason: " + std::string(reason) + "; ");
    return {};
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  meter.stop(cost);
  return cost;
}

std::optional<Time> rotation_due(const TenantRecord& tenant) {
  if (!tenant.rotate_after || tenant.versions.empty()) return std::nullopt;
  const KekVersion& newest = tenant.versions.back();
  // Somebody disabled it on purpose: rotating by itself would undo that for new datasets.
  if (newest.state != KeyState::kEnabled) return std::nullopt;
  Writer writer;
  writer.text16("CLSR1 rotation jitter").text16(tenant.kek_id).u32(newest.version);
  const auto part = load_le<std::uint16_t>(crypto::sha256(writer.view()).data());
  const double early = static_cast<double>(tenant.rotate_after->ms) / 10 * part / 65536;
  return newest.created + Duration{tenant.rotate_after->ms - static_cast<std::int64_t>(early)};
}

// It is looked at again where nobody can rotate it meanwhile: of two programs that saw it due, one finds it done.
Result<bool> Hierarchy::State::rotate_if_due(const TenantRecord& tenant, const Caller& caller, Cost& cost) {
  AuditEntry entry = make_entry(caller, "kek.rotate", tenant.name(), tenant.name());
  entry.request.reset();
  const KeepsOpen guard(*this);
  const auto made = prepare_rotation(tenant, caller.now);
  if (!made.ok()) return refuse(std::move(entry), made.error());
  bool overtaken = false;
  const Status status = store.change(entry, [&](Store::Change& change) -> Status {
    cost = Cost{};
    CLOISTER_TRY(TenantRecord now, store.tenant(tenant.tenant, tenant.environment));
    const auto due = rotation_due(now);
    overtaken = !due || *due > caller.now || now.versions.back().version != tenant.versions.back().version;
    if (overtaken) return Error(Code::kUnavailable, "it was rotated meanwhile");
    CLOISTER_RETURN_IF_ERROR(rotate_kek(change, std::move(now), *made, cost));
    change.event().detail.insert(0, "reason: due; ");
    return {};
  });
  if (overtaken) return false;
  if (!status.ok()) return refuse(std::move(entry), status.error());
  return true;
}

Result<DueRotations> Hierarchy::rotate_due(const Caller& caller) {
  CLOISTER_TRY(const auto tenants, state_->store.tenants());
  DueRotations due;
  for (const TenantRecord& tenant : tenants) {
    const auto at = rotation_due(tenant);
    if (!at || *at > caller.now) continue;
    const Meter meter(state_->store);
    Cost cost;
    const auto done = state_->rotate_if_due(tenant, caller, cost);
    meter.stop(cost);
    if (!done.ok()) {
      if (!due.failure) due.failure = Error(done.error()).with_context("rotate the KEK of " + tenant.name());
      continue;
    }
    if (!*done) continue;
    due.rotated.push_back(tenant.name());
    due.cost.objects_touched += cost.objects_touched;
    due.cost.bytes_written += cost.bytes_written;
    due.cost.seconds += cost.seconds;
    due.cost.datasets_unreadable += cost.datasets_unreadable;
  }
  return due;
}

Status Hierarchy::State::change_kek(KekTarget target, std::string_view action, const Caller& caller,
                                    const Transition& transition) {
  const std::string tenant_name = target.name.text();
  const AuditEntry entry =
      make_entry(caller, action, tenant_name, "kek of " + tenant_name + ":" + std::to_string(target.version));
  const Status status = store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(TenantRecord tenant, store.tenant(target.name.tenant, target.name.environment));
    const auto version = std::ranges::find(tenant.versions, target.version, &KekVersion::version);
    if (version == tenant.versions.end()) {
      return Error(Code::kNotFound, version_name(tenant, target.version) + " doesn't exist");
    }
    change.event().subject = kek_subject(tenant, target.version);
    CLOISTER_RETURN_IF_ERROR(transition(tenant, *version, change.event().detail));
    return change.update_tenant(tenant);
  });
  if (!status.ok()) return refuse(entry, status.error());
  return {};
}

Status Hierarchy::disable_kek(const TenantName& name, std::uint32_t version, const Caller& caller) {
  return state_->change_kek({name, version}, "kek.disable", caller,
                            [](const TenantRecord& tenant, KekVersion& kek, std::string&) -> Status {
                              if (kek.state != KeyState::kEnabled) return wrong_state(tenant, kek);
                              kek.state = KeyState::kDisabled;
                              return {};
                            });
}

Status Hierarchy::enable_kek(const TenantName& name, std::uint32_t version, const Caller& caller) {
  return state_->change_kek({name, version}, "kek.enable", caller,
                            [](const TenantRecord& tenant, KekVersion& kek, std::string&) -> Status {
                              if (kek.state != KeyState::kDisabled) return wrong_state(tenant, kek);
                              kek.state = KeyState::kEnabled;
                              return {};
                            });
}

Result<Time> Hierarchy::schedule_kek_destruction(const TenantName& name, std::uint32_t version, Duration wait,
                                                 const Caller& caller) {
  const Time destroy_at = caller.now + std::min(wait, kDestructionWaitMax);
  CLOISTER_RETURN_IF_ERROR(state_->change_kek(
      {name, version}, "kek.schedule_destruction", caller,
      [&](const TenantRecord& tenant, KekVersion& kek, std::string& detail) -> Status {
        if (wait < kDestructionWaitMin || wait > kDestructionWaitMax) {
          return Error(Code::kInvalid, "a KEK version waits for its destruction at least 7 days and at most 3650");
        }
        if (kek.state != KeyState::kEnabled && kek.state != KeyState::kDisabled) return wrong_state(tenant, kek);
        kek.state = KeyState::kDestructionScheduled;
        kek.destroy_at = destroy_at;
        CLOISTER_TRY(const std::uint64_t unreadable, state_->count_under(tenant, version));
        detail = "at " + to_rfc3339(destroy_at) + "; " + counted(unreadable, "dataset") + " unreadable from now on";
        return {};
      }));
  return destroy_at;
}

Status Hierarchy::cancel_kek_destruction(const TenantName& name, std::uint32_t version, const Caller& caller) {
  return state_->change_kek({name, version}, "kek.cancel_destruction", caller,
                            [](const TenantRecord& tenant, KekVersion& kek, std::string& detail) -> Status {
                              if (kek.state == KeyState::kDestroyed) return wrong_state(tenant, kek);
                              if (kek.state != KeyState::kDestructionScheduled) {
                                return Error(Code::kDenied,
                                             version_name(tenant, kek.version) + " isn't scheduled for destruction");
                              }
                              kek.state = KeyState::kDisabled;
                              kek.destroy_at.reset();
                              detail = "disabled";
                              return {};
                            });
}

Result<Cost> Hierarchy::State::destroy(KekTarget target, std::string_view action, const Caller& caller,
                                       const Transition& transition) {
  const Meter meter(store);
  Cost cost;
  bool destroyed_before = false;
  const Status status = change_kek(target, action, caller,
                                   [&](const TenantRecord& tenant, KekVersion& kek, std::string& detail) -> Status {
                                     destroyed_before = kek.state == KeyState::kDestroyed;
                                     CLOISTER_TRY(cost.datasets_unreadable, count_under(tenant, kek.version));
                                     CLOISTER_RETURN_IF_ERROR(transition(tenant, kek, detail));
                                     CLOISTER_RETURN_IF_ERROR(destroy_version(tenant, kek));
                                     detail += counted(cost.datasets_unreadable, "dataset") + " unreadable for ever";
                                     return {};
                                   });
  // Also when refused: a version destroyed before, while another process was reading, is asked for again.
  const Status forgotten = store.forget_overwritten(Overwritten::kKeks);
  const bool destroyed = status.ok() || destroyed_before || store.is_done(status.error());
  if (!forgotten.ok() && destroyed) {
    return Error(Code::kUnavailable, "KEK version " + std::to_string(target.version) + " of " + target.name.text() +
                                         " is destroyed, but its wrapped key is still in the store's files; the same "
                                         "command again removes it: " +
                                         forgotten.error().message());
  }
  if (!status.ok()) return status.error();
  cost.objects_touched = 1;
  meter.stop(cost);
  return cost;
}

Result<Cost> Hierarchy::destroy_kek(const TenantName& name, std::uint32_t version, const Caller& caller) {
  return state_->destroy(
      {name, version}, "kek.destroy", caller, [&](const TenantRecord& tenant, KekVersion& kek, std::string&) -> Status {
        if (kek.state == KeyState::kDestroyed) return wrong_state(tenant, kek);
        if (kek.state != KeyState::kDestructionScheduled || !kek.destroy_at) {
          return Error(Code::kDenied,
                       version_name(tenant, version) + " isn't scheduled for destruction: schedule it first");
        }
        if (caller.now < *kek.destroy_at) {
          return Error(Code::kDenied, version_name(tenant, version) + " isn't due for destruction before " +
                                          to_rfc3339(*kek.destroy_at));
        }
        return {};
      });
}

Result<Cost> Hierarchy::destroy_kek_immediately(const TenantName& name, std::uint32_t version, std::string_view reason,
                                                const Caller& caller) {
  return state_->destroy({name, version}, "kek.destroy_immediately", caller,
                         [&](const TenantRecord&, KekVersion&, std::string& detail) -> Status {
                           if (reason.empty()) {
                             return Error(Code::kInvalid, "destroying a KEK version at once takes a reason");
                           }
                           detail = "reason: " + std::string(reason) + "; ";
                           return {};
                         });
}

}  // namespace cloister::keys
