// What the drills of the life of keys do to the canary home, by the verbs that any home has.
#include <algorithm>

#include "keys/anchor.h"
#include "kms/software_key.h"
#include "redteam/lab.h"
#include "redteam/log_attacks.h"
#include "seal/directory.h"
#include "seal/keyring.h"
#include "seal/reader.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kObjects = 6;
constexpr std::size_t kSize = 40'000;  // three chunks
constexpr std::uint32_t kFirst = 1;
constexpr std::uint64_t kAnchorMax = std::uint64_t{64} << 20;
constexpr Duration kWait = keys::kDestructionWaitMin;
const keys::TenantName kAlderTenant{kAlder.tenant, kAlder.environment};

Result<std::vector<Path>> seal_several(Lab& lab, const std::string& name) {
  std::vector<Path> out;
  for (std::size_t i = 0; i < kObjects; ++i) {
    CLOISTER_TRY(out.emplace_back(), lab.seal(kAlder, name + std::to_string(i) + ".sealed", kSize));
  }
  return out;
}

template <typename T>
Status status_of(const Result<T>& came) {
  return came.ok() ? Status() : Status(came.error());
}

keys::Caller later(const Lab& lab, Duration by) {
  keys::Caller caller = lab.caller();
  caller.now = caller.now + by;
  return caller;
}

// Somebody who can write to the store puts a row back that was there before.
Status put_back_keyring(Lab& lab, const Bytes& keyring) {
  keys::Store& store = lab.keys().store();
  return store.change(audit::Event{lab.caller().now, "redteam", "redteam.put_back", kAlder.tenant, kAlder.text(),
                                   audit::Outcome::kAllowed, ""},
                      [&](keys::Store::Change& change) -> Status {
                        CLOISTER_TRY(auto row, store.dataset(kAlder.tenant, kAlder.environment, kAlder.dataset));
                        row.keyring = keyring;
                        return change.update_dataset(row);
                      });
}

// What makes an attempt possible, or undoes it: where it fails, nothing was refused.
Status prepared(const Status& came) {
  return came.ok() ? Status() : Status(Error(Code::kInternal, "it couldn't be prepared: " + came.error().message()));
}

Result<std::uint32_t> slot_version(const Path& object) {
  CLOISTER_TRY(const File file, File::open(object));
  CLOISTER_TRY(const seal::ObjectOutline outline, seal::read_outline(file));
  if (outline.slots.newest.slots.empty()) return Error(Code::kCorrupt, "an object without a slot");
  return outline.slots.newest.slots.front().wrapped.key_version;
}

seal::SealOptions options_of(const keys::DatasetName& dataset, const seal::Id& keyring) {
  seal::SealOptions options;
  options.chunk_log2 = 14;
  options.threads = 1;
  options.context = {dataset.tenant, dataset.dataset, keyring, std::nullopt};
  return options;
}

Status re_encrypt(Lab& lab, crypto::Random& random, const Path& object) {
  CLOISTER_TRY(const seal::Keyring keyring, lab.keys().unlock_keyring(kAlder, "redteam", lab.caller()));
  CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, random));
  crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
  Progress progress;
  return status_of(seal::rekey_object(object, options_of(kAlder, keyring.outline().keyring_id),
                                      seal::DirectoryKeys{wrappers, nullptr, {}}, random, progress));
}

// The version that was given up, made the one that seals again; or used as it is.
Status seal_under(Lab& lab, std::uint32_t version) {
  const Status primary =
      lab.keys().set_dataset_key_state(kAlder, version, seal::DatasetKeyState::kPrimary, lab.caller());
  if (primary.ok()) return {};
  CLOISTER_TRY(const Path object, lab.seal(kAlder, "new.sealed", kSize));
  CLOISTER_TRY(const std::uint32_t used, slot_version(object));
  if (used == version) return {};
  return Error(Code::kDenied, "new data is under version " + std::to_string(used) + "; " + primary.error().message());
}

}  // namespace

namespace {

// A home as another process has it, with nothing of this one.
struct OpenedHome {
  crypto::SystemRandom random;
  std::unique_ptr<kms::SoftwareKey> root;
  std::optional<keys::Hierarchy> keys;

  static Result<std::unique_ptr<OpenedHome>> open(const HomeParts& home) {
    auto out = std::make_unique<OpenedHome>();
    CLOISTER_TRY(out->root, kms::SoftwareKey::open(home.root, std::nullopt, out->random));
    CLOISTER_TRY(keys::Store store, keys::Store::open(home.store));
    if (!home.anchor.empty()) CLOISTER_RETURN_IF_ERROR(store.follow(keys::Anchor(home.anchor)));
    CLOISTER_TRY(out->keys, keys::Hierarchy::open(std::move(store), *out->root, out->root->key_id(), out->random));
    return out;
  }
  Result<seal::Keyring> unlock(const keys::DatasetName& dataset, Time now) {
    return keys->unlock_keyring(dataset, "redteam", {"redteam", now});
  }
  Result<Bytes> read(const keys::DatasetName& dataset, Time now, const Path& object) {
    CLOISTER_TRY(const seal::Keyring keyring, unlock(dataset, now));
    CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, random));
    return open_whole(object, *wrapper);
  }
};

}  // namespace

Result<Bytes> open_in_home(const HomeParts& home, const keys::DatasetName& dataset, Time now, const Path& object) {
  CLOISTER_TRY(const auto opened, OpenedHome::open(home));
  return opened->read(dataset, now, object);
}

Status seal_in_home(const HomeParts& home, const keys::DatasetName& dataset, Time now, const Path& object,
                    std::size_t size) {
  CLOISTER_TRY(const auto opened, OpenedHome::open(home));
  CLOISTER_TRY(const seal::Keyring keyring, opened->unlock(dataset, now));
  CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, opened->random));
  Bytes payload(size);
  opened->random.fill(payload);
  CLOISTER_TRY(const File file, File::create_new(object, 0600));
  crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
  return status_of(
      seal::seal_bytes(payload, file, options_of(dataset, keyring.outline().keyring_id), wrappers, opened->random));
}

OpenObject Lab::fresh_opener(const keys::DatasetName& dataset) const {
  return [home = HomeParts{store_path(), root_path(), {}}, dataset, now = now_](const Path& object) {
    return open_in_home(home, dataset, now, object);
  };
}

Result<KekRotationTarget> kek_rotation_target(Lab& lab) {
  KekRotationTarget out;
  CLOISTER_TRY(out.objects, seal_several(lab, "kek"));
  out.open = lab.fresh_opener(kAlder);
  CLOISTER_TRY(const auto row, lab.keys().store().dataset(kAlder.tenant, kAlder.environment, kAlder.dataset));
  out.rotate = [&lab] { return status_of(lab.keys().rotate_kek(kAlderTenant, lab.caller(), "drill")); };
  out.all_rewrapped = [&lab]() -> Status {
    CLOISTER_TRY(const auto tenant, lab.keys().store().tenant(kAlder.tenant, kAlder.environment));
    for (const keys::KekVersion& version : tenant.versions) {
      if (version.version == tenant.versions.back().version) continue;
      CLOISTER_TRY(const auto under, keys::datasets_under(lab.keys().store(), kAlderTenant, version.version));
      if (!under.empty())
        return Error(Code::kDenied, under.front() + " is under version " + std::to_string(version.version));
    }
    return {};
  };
  out.retire = [&lab] { return lab.keys().disable_kek(kAlderTenant, kFirst, lab.caller()); };
  out.use_retired = [&lab, before = row.keyring]() -> Status {
    const auto now = lab.keys().store().dataset(kAlder.tenant, kAlder.environment, kAlder.dataset);
    CLOISTER_RETURN_IF_ERROR(prepared(status_of(now)));
    CLOISTER_RETURN_IF_ERROR(prepared(put_back_keyring(lab, before)));
    const auto came = lab.keys().unlock_keyring(kAlder, "redteam", lab.caller());
    CLOISTER_RETURN_IF_ERROR(prepared(put_back_keyring(lab, now->keyring)));
    return status_of(came);
  };
  return out;
}

Result<DekRotationTarget> dek_rotation_target(Lab& lab, const Field& field) {
  DekRotationTarget out;
  CLOISTER_TRY(out.objects, seal_several(lab, "dek"));
  out.open = lab.fresh_opener(kAlder);
  out.give_up = [&lab] { return status_of(lab.keys().rotate_dataset_key(kAlder, lab.caller())); };
  out.use_for_new = [&lab] { return seal_under(lab, kFirst); };
  out.dependants = [folder = lab.folder()]() -> Result<std::vector<Path>> {
    std::vector<Path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".sealed") continue;
      CLOISTER_TRY(const std::uint32_t version, slot_version(entry.path()));
      if (version == kFirst) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  };
  out.re_encrypt = [&lab, random = field.random](const Path& object) { return re_encrypt(lab, *random, object); };
  out.destroy = [&lab] {
    return lab.keys().set_dataset_key_state(kAlder, kFirst, seal::DatasetKeyState::kDestroyed, lab.caller());
  };
  return out;
}

namespace {

// A store that has an anchor in a folder of its own, and a copy of it from before a KEK was destroyed.
struct Anchored {
  HomeParts home;
  Path older;  // with the root and the anchor of now, it is what somebody puts back

  HomeParts restored(const Path& store) const { return {store, home.root, home.anchor}; }
};

Result<Anchored> anchor_lab(Lab& lab, const Field& field) {
  const Path elsewhere = field.folder / "elsewhere";
  CLOISTER_RETURN_IF_ERROR(create_directories(elsewhere, 0700));
  Anchored out{{lab.store_path(), lab.root_path(), elsewhere / "anchor"}, field.folder / "older.db"};
  const keys::Anchor anchor(out.home.anchor);
  CLOISTER_RETURN_IF_ERROR(anchor.make(lab.keys().store()));
  CLOISTER_RETURN_IF_ERROR(lab.keys().store().follow(anchor));
  CLOISTER_RETURN_IF_ERROR(copy_store(lab.store_path(), out.older));
  return out;
}

Status destroy_first_kek(Lab& lab, Duration after) {
  return status_of(lab.keys().destroy_kek(kAlderTenant, kFirst, later(lab, after)));
}

}  // namespace

Result<DestructionTarget> destruction_target(Lab& lab, const Field& field) {
  CLOISTER_TRY(const Anchored anchored, anchor_lab(lab, field));
  const Time now = lab.caller().now;
  DestructionTarget out;
  CLOISTER_TRY(out.object, lab.seal(kAlder, "destroyed.sealed", kSize));
  CLOISTER_TRY(out.other, lab.seal(kBirch, "other.sealed", kSize));
  out.open = [home = anchored.home, now](const Path& object) { return open_in_home(home, kAlder, now, object); };
  out.open_other = [home = anchored.home, now](const Path& object) { return open_in_home(home, kBirch, now, object); };
  out.destroy_too_early = [&lab]() -> Status {
    CLOISTER_RETURN_IF_ERROR(status_of(lab.keys().schedule_kek_destruction(kAlderTenant, kFirst, kWait, lab.caller())));
    return destroy_first_kek(lab, Duration{kWait.ms - 1});
  };
  out.destroy = [&lab] { return destroy_first_kek(lab, kWait); };
  const Path copy = field.folder / "replica.db";
  out.from_replica = [home = anchored.home, now, copy](const Path& object) -> Result<Bytes> {
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);
    CLOISTER_RETURN_IF_ERROR(copy_store(home.store, copy));
    return open_in_home({copy, home.root, {}}, kAlder, now, object);
  };
  out.from_lagging = [anchored, now, copy](const Path& object) {
    return open_in_home(anchored.restored(copy), kAlder, now, object);
  };
  out.from_backup = [anchored, now](const Path& object) {
    return open_in_home(anchored.restored(anchored.older), kAlder, now, object);
  };
  // One that is open all the while, as a service's is.
  CLOISTER_TRY(auto opened, OpenedHome::open(anchored.home));
  out.from_cache = [open = std::shared_ptr<OpenedHome>(std::move(opened)), now](const Path& object) {
    return open->read(kAlder, now, object);
  };
  return out;
}

namespace {

Status open_store(const HomeParts& home) {
  CLOISTER_TRY(keys::Store store, keys::Store::open(home.store));
  return store.follow(keys::Anchor(home.anchor));
}

// As many rows as there are now, none of them the true ones.
Status with_made_up_log(const Anchored& anchored, const Path& copy, std::uint64_t rows, Time now) {
  CLOISTER_RETURN_IF_ERROR(copy_store(anchored.older, copy));
  {
    CLOISTER_TRY(keys::Store store, keys::Store::open(copy));
    CLOISTER_TRY(keys::AuditHead head, store.audit_head());
    for (; head.rows < rows + 1; ++head.rows) {
      CLOISTER_RETURN_IF_ERROR(
          store.record(audit::Event{now, "redteam", "redteam.made_up", "", "", audit::Outcome::kAllowed, ""}));
    }
  }
  return open_store(anchored.restored(copy));
}

// The log of now, and the KEK of then.
Status with_older_kek(const Anchored& anchored, const Path& copy, Time now) {
  CLOISTER_RETURN_IF_ERROR(copy_store(anchored.home.store, copy));
  {
    CLOISTER_TRY(keys::Store before, keys::Store::open(anchored.older));
    CLOISTER_TRY(const auto tenant, before.tenant(kAlder.tenant, kAlder.environment));
    CLOISTER_TRY(keys::Store store, keys::Store::open(copy));
    CLOISTER_RETURN_IF_ERROR(
        store.change(audit::Event{now, "redteam", "redteam.put_back", kAlder.tenant, "", audit::Outcome::kAllowed, ""},
                     [&](keys::Store::Change& change) -> Status {
                       CLOISTER_TRY(auto row, store.tenant(kAlder.tenant, kAlder.environment));
                       row.versions = tenant.versions;
                       return change.update_tenant(row);
                     }));
  }
  return open_store(anchored.restored(copy));
}

Status without_anchor(const Anchored& anchored) {
  HomeParts home = anchored.restored(anchored.older);
  home.anchor += ".gone";
  return open_store(home);
}

}  // namespace

Result<RestoredStoreTarget> restored_store_target(Lab& lab, const Field& field) {
  CLOISTER_TRY(const Anchored anchored, anchor_lab(lab, field));
  CLOISTER_RETURN_IF_ERROR(status_of(lab.keys().destroy_kek_immediately(kAlderTenant, kFirst, "drill", lab.caller())));
  CLOISTER_TRY(const keys::AuditHead head, lab.keys().store().audit_head());
  const Time now = field.now;
  RestoredStoreTarget out;
  out.as_it_is = [anchored] { return open_store(anchored.home); };
  out.attempts = {{"a copy of the store from before, put back",
                   [anchored] { return open_store(anchored.restored(anchored.older)); }},
                  {"the same with a log that is made up until it is as long",
                   [anchored, head, now, copy = field.folder / "made-up.db"] {
                     return with_made_up_log(anchored, copy, head.rows, now);
                   }},
                  {"the store of now with the destroyed key put back",
                   [anchored, now, copy = field.folder / "mixed.db"] { return with_older_kek(anchored, copy, now); }},
                  {"a copy from before, with the anchor taken away", [anchored] { return without_anchor(anchored); }}};
  return out;
}

namespace {

// To before what the anchor says; by a row where there is none.
Status cut_below(const Path& store, const Path& anchor) {
  if (anchor.empty()) return cut_log(store, 1);
  CLOISTER_TRY(const Bytes text, read_file(anchor, kAnchorMax));
  CLOISTER_TRY(const keys::AnchorPoint point, keys::parse_anchor(as_text(text)));
  keys::AuditHead head;
  {
    CLOISTER_TRY(keys::Store opened, keys::Store::open(store));
    CLOISTER_TRY(head, opened.audit_head());
  }
  if (head.rows < point.head.rows) return Error(Code::kInvalid, "the store is older than its anchor already");
  return cut_log(store, head.rows - point.head.rows + 1);
}

}  // namespace

Result<NoncesTarget> nonces_target(Lab& lab, const Field& field) {
  const Path before = field.folder / "before.db";
  CLOISTER_RETURN_IF_ERROR(copy_store(lab.store_path(), before));
  const auto home = std::make_shared<HomeParts>(HomeParts{lab.store_path(), lab.root_path(), {}});
  NoncesTarget out;
  out.seal = [home, now = field.now](const Path& object) { return seal_in_home(*home, kAlder, now, object, kSize); };
  CLOISTER_TRY(out.keys, lab.wrapper_of(kAlder));
  out.roll_back = [home, before] {
    home->store = before;
    return ok_status();
  };
  return out;
}

Result<OracleTarget> oracle_target(Lab& lab) {
  OracleTarget out;
  CLOISTER_TRY(out.object, lab.seal(kAlder, "oracle.sealed", kSize));
  CLOISTER_TRY(out.keys, lab.wrapper_of(kAlder));
  CLOISTER_TRY(out.open, lab.opener(kAlder));
  return out;
}

Report run_restored_home(const Field& field, const Path& home_store, const Path& anchor) {
  const Path now = field.folder / "now.db", older = field.folder / "older.db";
  for (const Path& copy : {now, older}) {
    const Status copied = copy_store(home_store, copy);
    if (!copied.ok()) return not_run("RT-K10", copied.error().message());
  }
  const Status cut = cut_below(older, anchor);
  if (!cut.ok()) return not_run("RT-K10", cut.error().message());
  const auto opened = [anchor](const Path& store) -> Status {
    if (anchor.empty()) return status_of(keys::Store::open(store));
    return open_store({store, {}, anchor});
  };
  RestoredStoreTarget target;
  target.as_it_is = [&] { return opened(now); };
  target.attempts = {{anchor.empty() ? "an older store: the home has no anchor" : "an older store, put back",
                      [&] { return opened(older); }}};
  return run_restored_store(field, target);
}

}  // namespace cloister::redteam
