#include "redteam/lab.h"

#include <algorithm>

#include "base/base64.h"
#include "kms/software_key.h"
#include "redteam/log_attacks.h"
#include "seal/keyring.h"
#include "seal/reader.h"
#include "seal/writer.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kCanarySize = 5 * 16384 - 100;  // five chunks, the last one shorter

keys::TenantName tenant_of(const keys::DatasetName& dataset) { return {dataset.tenant, dataset.environment}; }

}  // namespace

Lab::~Lab() = default;

Result<std::unique_ptr<Lab>> Lab::create(const Field& field) {
  std::unique_ptr<Lab> lab(new Lab(field));
  CLOISTER_RETURN_IF_ERROR(lab->make().with_context("the canary home"));
  return lab;
}

Status Lab::make() {
  CLOISTER_RETURN_IF_ERROR(create_directories(folder_, 0700));
  CLOISTER_RETURN_IF_ERROR(kms::create_key_file(root_path(), std::nullopt, {}, *random_));
  CLOISTER_TRY(auto root, kms::SoftwareKey::open(root_path(), std::nullopt, *random_));
  const std::string root_id = root->key_id();
  root_ = std::move(root);
  CLOISTER_TRY(keys::Store store, keys::Store::create(store_path()));
  CLOISTER_TRY(keys_, keys::Hierarchy::create(std::move(store), *root_, root_id, *random_, caller()));
  for (const keys::DatasetName& dataset : {kAlder, kBirch}) {
    CLOISTER_RETURN_IF_ERROR(keys_->create_tenant(tenant_of(dataset), std::nullopt, caller()));
    CLOISTER_RETURN_IF_ERROR(keys_->create_dataset(dataset, caller()));
  }
  return {};
}

Result<std::shared_ptr<crypto::KeyWrapper>> Lab::wrapper_of(const keys::DatasetName& dataset) {
  CLOISTER_TRY(const seal::Keyring keyring, keys_->unlock_keyring(dataset, "redteam", caller()));
  CLOISTER_TRY(auto wrapper, seal::KeyringWrapper::create(keyring, *random_));
  return std::shared_ptr<crypto::KeyWrapper>(std::move(wrapper));
}

Result<Path> Lab::seal(const keys::DatasetName& dataset, const std::string& name, std::size_t size) {
  CLOISTER_TRY(const seal::Keyring keyring, keys_->unlock_keyring(dataset, "redteam", caller()));
  CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, *random_));
  seal::SealOptions options;
  options.chunk_log2 = 14;
  options.threads = 1;
  options.context = {dataset.tenant, dataset.dataset, keyring.outline().keyring_id, std::nullopt};
  Bytes payload(size);
  random_->fill(payload);
  Path path = folder_ / name;
  CLOISTER_TRY(const File file, File::create_new(path, 0600));
  crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
  CLOISTER_RETURN_IF_ERROR(seal::seal_bytes(payload, file, options, wrappers, *random_));
  return path;
}

Result<OpenObject> Lab::opener(const keys::DatasetName& dataset) {
  CLOISTER_TRY(const auto wrapper, wrapper_of(dataset));
  return OpenObject([wrapper](const Path& object) { return open_whole(object, *wrapper); });
}

Result<Bytes> open_whole(const Path& object, crypto::KeyWrapper& wrapper) {
  CLOISTER_TRY(File file, File::open(object));
  crypto::KeyWrapper* const wrappers[] = {&wrapper};
  CLOISTER_TRY(const auto reader, seal::ObjectReader::open(std::move(file), wrappers));
  Bytes payload(static_cast<std::size_t>(reader.size()));
  Progress progress;
  CLOISTER_RETURN_IF_ERROR(reader.read_all(
      1,
      [&](std::uint64_t offset, ByteView piece) -> Status {
        std::ranges::copy(piece, payload.begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
      },
      progress));
  return payload;
}

Result<SurgeryTarget> surgery_target(Lab& lab) {
  SurgeryTarget out;
  CLOISTER_TRY(out.object, lab.seal(kAlder, "object.sealed", kCanarySize));
  CLOISTER_TRY(out.sibling, lab.seal(kAlder, "sibling.sealed", kCanarySize));
  CLOISTER_TRY(out.open, lab.opener(kAlder));
  return out;
}

TwoKeysTarget two_keys_target() { return {open_whole}; }

namespace {

// Puts the second tenant's row where the first's is, asks for the first's keys, and puts the first's back.
Status with_keyring_of(Lab& lab, const keys::DatasetName& of) {
  keys::Store& store = lab.keys().store();
  CLOISTER_TRY(const auto own, store.dataset(kAlder.tenant, kAlder.environment, kAlder.dataset));
  CLOISTER_TRY(const auto other, store.dataset(of.tenant, of.environment, of.dataset));
  const auto put = [&](const Bytes& keyring) {
    return store.change(audit::Event{lab.caller().now, "redteam", "redteam.mix", kAlder.tenant, kAlder.text(),
                                     audit::Outcome::kAllowed, ""},
                        [&](keys::Store::Change& change) -> Status {
                          CLOISTER_TRY(auto row, store.dataset(kAlder.tenant, kAlder.environment, kAlder.dataset));
                          row.keyring = keyring;
                          return change.update_dataset(row);
                        });
  };
  CLOISTER_RETURN_IF_ERROR(put(other.keyring));
  const auto came = lab.keys().unlock_keyring(kAlder, "redteam", lab.caller());
  CLOISTER_RETURN_IF_ERROR(put(own.keyring));
  return came.ok() ? Status() : Status(came.error());
}

Status with_kek_of_the_other(Lab& lab) {
  keys::Store& store = lab.keys().store();
  CLOISTER_TRY(const auto own, store.tenant(kAlder.tenant, kAlder.environment));
  CLOISTER_TRY(const auto other, store.tenant(kBirch.tenant, kBirch.environment));
  const auto put = [&](const std::vector<keys::KekVersion>& versions) {
    return store.change(audit::Event{lab.caller().now, "redteam", "redteam.mix", kAlder.tenant, own.kek_id,
                                     audit::Outcome::kAllowed, ""},
                        [&](keys::Store::Change& change) -> Status {
                          CLOISTER_TRY(auto row, store.tenant(kAlder.tenant, kAlder.environment));
                          row.versions = versions;
                          return change.update_tenant(row);
                        });
  };
  CLOISTER_RETURN_IF_ERROR(put(other.versions));
  const auto came = lab.keys().unlock_keyring(kAlder, "redteam", lab.caller());
  CLOISTER_RETURN_IF_ERROR(put(own.versions));
  return came.ok() ? Status() : Status(came.error());
}

// A dataset that isn't the tenant's, asked for under its own tenant: as if the name alone gave a right to it.
Status under_another_tenant(Lab& lab) {
  const keys::DatasetName forged{kAlder.tenant, "", "not-there"};
  const auto came = lab.keys().unlock_keyring(forged, "redteam", lab.caller());
  return came.ok() ? Status() : Status(came.error());
}

// At least one refusal a mix that reached the keys, each with the red team's name.
Status refusals_recorded(Lab& lab) {
  std::size_t refusals = 0;
  CLOISTER_RETURN_IF_ERROR(lab.keys().store().for_each_audit_row([&](const audit::Row& row) {
    if (row.event.outcome != audit::Outcome::kAllowed && row.event.actor == "redteam") ++refusals;
    return ok_status();
  }));
  if (refusals >= 2) return {};
  return Error(Code::kNotFound, "the log has " + std::to_string(refusals) + " of 2 refusals with who asked");
}

}  // namespace

Result<TenantsTarget> tenants_target(Lab& lab) {
  TenantsTarget out;
  CLOISTER_TRY(out.alders, lab.seal(kAlder, "alder.sealed", kCanarySize));
  CLOISTER_TRY(out.birches, lab.seal(kBirch, "birch.sealed", kCanarySize));
  CLOISTER_TRY(out.open_as_alder, lab.opener(kAlder));
  CLOISTER_TRY(out.open_as_birch, lab.opener(kBirch));
  out.birch = kBirch.tenant;
  out.mixes = {{"the second tenant's keyring in the first's place", [&lab] { return with_keyring_of(lab, kBirch); }},
               {"the second tenant's KEK in the first's place", [&lab] { return with_kek_of_the_other(lab); }},
               {"a dataset that the tenant doesn't have", [&lab] { return under_another_tenant(lab); }}};
  out.refusals_recorded = [&lab] { return refusals_recorded(lab); };
  return out;
}

namespace {

// Answers to the root's name with a key of its own.
class Impostor final : public crypto::KeyWrapper {
 public:
  explicit Impostor(std::unique_ptr<kms::SoftwareKey> own) : own_(std::move(own)) {}
  std::string key_id() const { return own_->key_id(); }
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    return own_->wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    crypto::WrappedKey renamed = wrapped;
    renamed.key_id = own_->key_id();
    return own_->unwrap(renamed, context);
  }

 private:
  const std::unique_ptr<kms::SoftwareKey> own_;
};

// What a KEK's wrap is bound to, by the store that has it.
Result<crypto::WrapContext> kek_context(keys::Store& store, const keys::TenantRecord& tenant,
                                        const keys::KekVersion& version) {
  CLOISTER_TRY(const std::string home, store.setting("home_id"));
  CLOISTER_TRY(Bytes object, from_hex(home + tenant.kek_id));
  std::uint8_t number[4];
  store_le(number, version.version);
  object.insert(object.end(), std::begin(number), std::end(number));
  return crypto::WrapContext{tenant.name(), "", std::move(object), "kek", version.commitment};
}

// What is restored, and the attacker's key.
struct Restored {
  Path store, object;
  std::string root_id;
  std::unique_ptr<Impostor> root;
  crypto::Random* random = nullptr;
  keys::Caller caller;

  // The object, as whoever has the root key opens it.
  Status open_with(crypto::KeyWrapper& true_root) const {
    CLOISTER_TRY(keys::Store opened, keys::Store::open(store));
    CLOISTER_TRY(auto hierarchy, keys::Hierarchy::open(std::move(opened), true_root, root_id, *random));
    CLOISTER_TRY(const seal::Keyring keyring, hierarchy.unlock_keyring(kAlder, "redteam", caller));
    CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, *random));
    const auto came = open_whole(object, *wrapper);
    return came.ok() ? Status() : Status(came.error());
  }
  Status unlock(const std::string& as_root) const {
    CLOISTER_TRY(keys::Store opened, keys::Store::open(store));
    CLOISTER_TRY(auto hierarchy, keys::Hierarchy::open(std::move(opened), *root, as_root, *random));
    const auto came = hierarchy.unlock_keyring(kAlder, "redteam", caller);
    return came.ok() ? Status() : Status(came.error());
  }
  // Every wrapped key of the store, by the attacker's key.
  Status unwrap_keks() const {
    CLOISTER_TRY(keys::Store opened, keys::Store::open(store));
    CLOISTER_TRY(const auto tenants, opened.tenants());
    std::size_t tried = 0;
    for (const keys::TenantRecord& tenant : tenants) {
      for (const keys::KekVersion& version : tenant.versions) {
        ++tried;
        CLOISTER_TRY(const crypto::WrapContext context, kek_context(opened, tenant, version));
        if (root->unwrap(version.wrapped, context).ok()) return {};
      }
    }
    return Error(tried == 0 ? Code::kUnavailable : Code::kDenied, std::to_string(tried) + " wrapped keys, none opens");
  }
  Status open_object() const {
    const auto came = open_whole(object, *root);
    return came.ok() ? Status() : Status(came.error());
  }
};

constexpr std::size_t kKeyAt = 44, kKeySize = 32;  // in a root's file, docs/formats/key-file.md

void add_key(std::vector<Bytes>& never, ByteView key) {
  never.push_back(to_bytes(key));
  never.push_back(to_bytes(as_bytes(to_hex(key))));
  never.push_back(to_bytes(as_bytes(to_base64(key))));
}

// The canary home's own, from the root down: none of them stands in a backup as it is.
Status add_keys(Lab& lab, crypto::KeyWrapper& root, std::vector<Bytes>& never) {
  CLOISTER_TRY(const Bytes file, read_file(lab.root_path(), 1024));
  if (file.size() < kKeyAt + kKeySize) return Error(Code::kCorrupt, "the canary home's root is too short");
  add_key(never, ByteView(file).subspan(kKeyAt, kKeySize));
  CLOISTER_TRY(const auto tenants, lab.keys().store().tenants());
  for (const keys::TenantRecord& tenant : tenants) {
    for (const keys::KekVersion& version : tenant.versions) {
      CLOISTER_TRY(const crypto::WrapContext context, kek_context(lab.keys().store(), tenant, version));
      CLOISTER_TRY(const crypto::KeyMaterial kek, root.unwrap(version.wrapped, context));
      add_key(never, kek.secret().expose());
    }
  }
  for (const keys::DatasetName& dataset : {kAlder, kBirch}) {
    CLOISTER_TRY(const seal::Keyring keyring, lab.keys().unlock_keyring(dataset, "redteam", lab.caller()));
    for (const seal::DatasetKeyEntry& entry : keyring.outline().keys) {
      CLOISTER_TRY(const crypto::DatasetKey key, keyring.dataset_key(entry.version));
      add_key(never, key.material().secret().expose());
    }
  }
  return {};
}

}  // namespace

Result<BackupTarget> backup_target(Lab& lab, const Field& field) {
  auto restored = std::make_shared<Restored>();
  restored->store = field.folder / "restored.db";
  restored->object = field.folder / "restored.sealed";
  restored->random = field.random;
  restored->caller = lab.caller();
  CLOISTER_TRY(restored->root_id, lab.keys().store().setting("root_id"));
  CLOISTER_TRY(const Path object, lab.seal(kAlder, "backup.sealed", kCanarySize));
  CLOISTER_TRY(const OpenObject open, lab.opener(kAlder));
  CLOISTER_TRY(const Bytes plaintext, open(object));
  CLOISTER_TRY(const Bytes sealed, read_file(object, std::uint64_t{1} << 24));
  CLOISTER_RETURN_IF_ERROR(write_file(restored->object, sealed, Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(copy_store(lab.store_path(), restored->store));
  const Path other = field.folder / "other.key";
  CLOISTER_RETURN_IF_ERROR(kms::create_key_file(other, std::nullopt, {}, *field.random));
  CLOISTER_TRY(auto key, kms::SoftwareKey::open(other, std::nullopt, *field.random));
  restored->root = std::make_unique<Impostor>(std::move(key));
  CLOISTER_TRY(auto own, kms::SoftwareKey::open(lab.root_path(), std::nullopt, *field.random));
  const std::shared_ptr<kms::SoftwareKey> true_root = std::move(own);

  BackupTarget out;
  out.files = {restored->store, restored->object};
  for (std::size_t at = 0; at + 32 <= plaintext.size(); at += 16384) {
    out.never.push_back(to_bytes(ByteView(plaintext).subspan(at, 32)));
  }
  CLOISTER_RETURN_IF_ERROR(add_keys(lab, *true_root, out.never));
  out.honest = {"the sealed object, with the root key",
                [restored, true_root] { return restored->open_with(*true_root); }};
  out.attempts = {
      {"the home, with another root key", [restored] { return restored->unlock(restored->root->key_id()); }},
      {"the home, with another root key under its name", [restored] { return restored->unlock(restored->root_id); }},
      {"every wrapped key in the store", [restored] { return restored->unwrap_keks(); }},
      {"the sealed object", [restored] { return restored->open_object(); }}};
  return out;
}

}  // namespace cloister::redteam
