#include "service/managed_keys.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/json.h"
#include "base/reader.h"
#include "crypto/hkdf.h"
#include "crypto/key_pair.h"
#include "service/message.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

constexpr std::string_view kKeyPrefix = "managed_key:";
constexpr std::string_view kAliasPrefix = "key_aliases:";
constexpr std::array<std::string_view, 10> kSpecNames = {"symmetric", "hmac-256", "hmac-384", "hmac-512", "ed25519",
                                                         "p256",      "p384",     "rsa-2048", "rsa-3072", "rsa-4096"};

std::string setting_of(const keys::DatasetName& name) { return std::string(kKeyPrefix) + name.text(); }

keys::AuditEntry entry_of(const keys::Caller& caller, std::string_view action, const keys::TenantName& tenant,
                          std::string subject) {
  audit::Event event{
      caller.now, caller.actor, std::string(action), tenant.text(), std::move(subject), audit::Outcome::kAllowed, ""};
  return {std::move(event), caller.extras, caller.request};
}

Error damaged(const keys::DatasetName& name) {
  return Error(Code::kCorrupt, "what is stored of the key of " + name.text() + " is malformed");
}

Bytes material_context(KeySpec spec) {
  Writer writer;
  writer.text16("CLSR1 key material").text16(key_spec_name(spec));
  return writer.take();
}

crypto::PairKind pair_kind(KeySpec spec) {
  switch (spec) {
    case KeySpec::kP256: return crypto::PairKind::kP256;
    case KeySpec::kP384: return crypto::PairKind::kP384;
    case KeySpec::kRsa2048: return crypto::PairKind::kRsa2048;
    case KeySpec::kRsa3072: return crypto::PairKind::kRsa3072;
    case KeySpec::kRsa4096: return crypto::PairKind::kRsa4096;
    default: return crypto::PairKind::kEd25519;
  }
}

std::size_t mac_key_size(KeySpec spec) { return spec == KeySpec::kHmac256 ? 32 : spec == KeySpec::kHmac384 ? 48 : 64; }

Result<Bytes> bytes_of(const JsonValue& root, std::string_view name) {
  const JsonValue* value = root.find(name);
  if (value == nullptr || value->string() == nullptr) return Bytes();
  return from_base64(*value->string());
}

JsonValue attributes_json(const ManagedKey& key) {
  JsonValue::Object root{{"spec", std::string(key_spec_name(key.spec))}};
  if (!key.description.empty()) root.emplace_back("description", key.description);
  if (!key.tags.empty()) {
    JsonValue::Object tags;
    for (const auto& [name, value] : key.tags) tags.emplace_back(name, value);
    root.emplace_back("tags", std::move(tags));
  }
  if (key.rotate_after) root.emplace_back("rotate_after_ms", static_cast<std::uint64_t>(key.rotate_after->ms));
  if (!key.rotated_in_time.empty()) {
    JsonValue::Array rotated;
    for (const std::uint32_t version : key.rotated_in_time) rotated.emplace_back(std::uint64_t{version});
    root.emplace_back("rotated", std::move(rotated));
  }
  if (!key.public_key.empty()) root.emplace_back("public", to_base64(key.public_key));
  if (!key.material.empty()) root.emplace_back("material", to_base64(key.material));
  return JsonValue(std::move(root));
}

Status read_json(const JsonValue& root, ManagedKey& key) {
  const JsonValue* spec = root.find("spec");
  if (spec == nullptr || spec->string() == nullptr) return damaged(key.name);
  CLOISTER_TRY(key.spec, parse_key_spec(*spec->string()));
  if (const JsonValue* text = root.find("description"); text != nullptr && text->string() != nullptr) {
    key.description = *text->string();
  }
  if (const JsonValue* tags = root.find("tags"); tags != nullptr && tags->object() != nullptr) {
    for (const auto& [name, value] : *tags->object()) {
      if (value.string() == nullptr) return damaged(key.name);
      key.tags[name] = *value.string();
    }
  }
  if (const JsonValue* after = root.find("rotate_after_ms"); after != nullptr && after->unsigned_integer()) {
    key.rotate_after = Duration{static_cast<std::int64_t>(*after->unsigned_integer())};
  }
  if (const JsonValue* rotated = root.find("rotated"); rotated != nullptr && rotated->array() != nullptr) {
    for (const JsonValue& version : *rotated->array()) {
      key.rotated_in_time.push_back(static_cast<std::uint32_t>(version.unsigned_integer().value_or(0)));
    }
  }
  CLOISTER_TRY(key.public_key, bytes_of(root, "public"));
  CLOISTER_TRY(key.material, bytes_of(root, "material"));
  return {};
}

// Of several servers that see one version due, one rotates: the store takes the key of a change once.
keys::RequestKey rotation_of(const ManagedKey& key, Time now) {
  crypto::Info parts("CLSR1 rotation in time");
  parts.field(as_bytes(key.name.text())).field_u64(key.versions.back().version);
  const crypto::Sha256Digest digest = crypto::sha256(parts.view());
  return {digest, digest, now + days(1)};
}

bool rotation_due(const ManagedKey& key, Time now) {
  return key.rotate_after && key.hold.state == keys::HoldState::kNone &&
         key.versions.back().created + *key.rotate_after <= now;
}

}  // namespace

std::string_view key_spec_name(KeySpec spec) { return kSpecNames[static_cast<std::size_t>(spec)]; }

Result<KeySpec> parse_key_spec(std::string_view name) {
  const auto found = std::ranges::find(kSpecNames, name);
  if (found != kSpecNames.end()) return static_cast<KeySpec>(found - kSpecNames.begin());
  return Error(Code::kInvalid, "there is no kind of key of that name");
}

KeyUse use_of(KeySpec spec) {
  if (spec == KeySpec::kSymmetric) return KeyUse::kSeal;
  return spec <= KeySpec::kHmac512 ? KeyUse::kMac : KeyUse::kSign;
}

Status ManagedKeys::read_attributes(keys::Store& store, ManagedKey& key) const {
  const auto text = settings_.read(store, setting_of(key.name));
  if (!text.ok() && text.error().code() == Code::kNotFound) return {};
  if (!text.ok()) return text.error();
  const auto root = parse_json(*text);
  if (!root.ok()) return damaged(key.name);
  return read_json(*root, key);
}

Result<ManagedKey> ManagedKeys::from_record(keys::Store& store, const keys::DatasetRecord& record) const {
  ManagedKey key;
  key.name = {record.tenant, record.environment, record.dataset};
  key.created = record.created;
  CLOISTER_TRY(seal::KeyringOutline outline, seal::parse_keyring(record.keyring));
  key.id = to_hex(outline.keyring_id);
  key.versions = std::move(outline.keys);
  CLOISTER_RETURN_IF_ERROR(read_attributes(store, key));
  CLOISTER_TRY(key.hold, keys::dataset_hold(store, key.name));
  return key;
}

Result<ManagedKey> ManagedKeys::find(keys::Store& store, const keys::DatasetName& name) const {
  CLOISTER_TRY(const auto record, store.dataset(name.tenant, name.environment, name.dataset));
  return from_record(store, record);
}

Result<std::vector<ManagedKey>> ManagedKeys::list(keys::Store& store, const keys::TenantName& tenant) const {
  CLOISTER_TRY(const auto records, store.datasets(tenant.tenant, tenant.environment));
  std::vector<ManagedKey> all;
  for (const keys::DatasetRecord& record : records) {
    CLOISTER_TRY(ManagedKey key, from_record(store, record));
    all.push_back(std::move(key));
  }
  std::ranges::sort(all, {}, [](const ManagedKey& key) { return key.name.dataset; });
  return all;
}

// Not before it is whole: a key that signs is made in more than one step.
std::shared_ptr<const KnownKey> ManagedKeys::remember(const ManagedKey& key) const {
  auto known = std::make_shared<const KnownKey>(KnownKey{key.name, key.id, key.spec, key.public_key, key.material});
  if (use_of(key.spec) != KeyUse::kSeal && key.material.empty()) return known;
  const std::lock_guard lock(mutex_);
  known_[keys::TenantName{key.name.tenant, key.name.environment}.text() + ":" + key.id] = known;
  named_[key.name.text()] = known;
  return known;
}

Result<std::shared_ptr<const KnownKey>> ManagedKeys::by_id(const keys::TenantName& tenant, const std::string& id,
                                                           keys::Store* store) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(tenant.text() + ":" + id);
    if (found != known_.end()) return found->second;
  }
  if (store == nullptr) return std::shared_ptr<const KnownKey>();
  CLOISTER_TRY(const auto records, store->datasets(tenant.tenant, tenant.environment));
  for (const keys::DatasetRecord& record : records) {
    CLOISTER_TRY(const seal::KeyringOutline outline, seal::parse_keyring(record.keyring));
    if (to_hex(outline.keyring_id) != id) continue;
    CLOISTER_TRY(const ManagedKey key, from_record(*store, record));
    return remember(key);
  }
  return Error(Code::kNotFound, "the tenant has no key of that id");
}

Result<std::shared_ptr<const KnownKey>> ManagedKeys::by_name(const keys::DatasetName& name, keys::Store* store) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = named_.find(name.text());
    if (found != named_.end()) return found->second;
  }
  if (store == nullptr) return std::shared_ptr<const KnownKey>();
  CLOISTER_TRY(const ManagedKey key, find(*store, name));
  return remember(key);
}

Status ManagedKeys::put(keys::Store::Change& change, const ManagedKey& key) const {
  return settings_.put(change, setting_of(key.name), attributes_json(key).serialize());
}

// What kind of key it is stands in the store before the dataset does: nobody takes it for one that seals.
Result<ManagedKey> ManagedKeys::create(const Call& call, keys::Hierarchy& hierarchy, const Wanted& wanted) {
  keys::Store& store = hierarchy.store();
  keys::Caller caller = call.as_caller();
  ManagedKey key;
  key.name = call.target.dataset_name();
  key.spec = wanted.spec;
  key.description = wanted.description;
  key.tags = wanted.tags;
  const auto entry = entry_of(caller, "dataset.describe", call.target.tenant_name(), key.name.text());
  const Status described = change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY([[maybe_unused]] const auto tenant, store.tenant(key.name.tenant, key.name.environment));
    const auto there = store.dataset(key.name.tenant, key.name.environment, key.name.dataset);
    if (there.ok()) return Error(Code::kExists, "there is a dataset " + key.name.text() + " already");
    if (there.error().code() != Code::kNotFound) return there.error();
    change.event().detail = "key " + std::string(key_spec_name(key.spec));
    return put(change, key);
  });
  CLOISTER_RETURN_IF_ERROR(described);
  caller.request.reset();
  CLOISTER_RETURN_IF_ERROR(hierarchy.create_dataset(key.name, caller));
  if (use_of(key.spec) != KeyUse::kSeal) {
    CLOISTER_RETURN_IF_ERROR(make_material(call, hierarchy, key));
  }
  CLOISTER_TRY(ManagedKey made, find(store, key.name));
  remember(made);
  return made;
}

Status ManagedKeys::make_material(const Call& call, keys::Hierarchy& hierarchy, ManagedKey& key) {
  CLOISTER_TRY(const auto keyring, keyrings_->get(call, &hierarchy));
  crypto::Random& random = keyrings_->random();
  const Bytes context = material_context(key.spec);
  if (use_of(key.spec) == KeyUse::kMac) {
    crypto::Secret secret(mac_key_size(key.spec));
    random.fill(secret.expose_mutable());
    CLOISTER_TRY(key.material, seal_message(*keyring, key.name, secret.expose(), context, random));
  } else {
    CLOISTER_TRY(crypto::MadePair pair, crypto::generate_key_pair(pair_kind(key.spec)));
    key.public_key = std::move(pair.public_key);
    CLOISTER_TRY(key.material, seal_message(*keyring, key.name, pair.private_key.expose(), context, random));
  }
  keys::Caller caller = call.as_caller();
  caller.request.reset();
  const auto entry = entry_of(caller, "dataset.make-key", call.target.tenant_name(), key.name.text());
  return hierarchy.store().change(entry, [&](keys::Store::Change& change) { return put(change, key); });
}

Status ManagedKeys::change(keys::Store& store, const keys::DatasetName& name, const keys::Caller& caller,
                           std::string_view action, const std::function<Status(ManagedKey& key)>& edit) const {
  const auto entry = entry_of(caller, action, {name.tenant, name.environment}, name.text());
  return change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY(ManagedKey key, find(store, name));
    CLOISTER_RETURN_IF_ERROR(edit(key));
    return put(change, key);
  });
}

Result<Aliases> ManagedKeys::aliases(keys::Store& store, const keys::TenantName& tenant) const {
  Aliases aliases;
  const auto text = settings_.read(store, std::string(kAliasPrefix) + tenant.text());
  if (!text.ok() && text.error().code() == Code::kNotFound) return aliases;
  if (!text.ok()) return text.error();
  CLOISTER_TRY(const JsonValue root, parse_json(*text));
  const Error malformed(Code::kCorrupt, "what is stored of the aliases of " + tenant.text() + " is malformed");
  if (root.object() == nullptr) return malformed;
  for (const auto& [name, value] : *root.object()) {
    const JsonValue* dataset = value.find("dataset");
    const JsonValue* created = value.find("created_ms");
    const JsonValue* changed = value.find("changed_ms");
    if (dataset == nullptr || dataset->string() == nullptr || created == nullptr || changed == nullptr) {
      return malformed;
    }
    aliases[name] = {*dataset->string(), Time{static_cast<std::int64_t>(created->unsigned_integer().value_or(0))},
                     Time{static_cast<std::int64_t>(changed->unsigned_integer().value_or(0))}};
  }
  return aliases;
}

Status ManagedKeys::change_aliases(keys::Store& store, const keys::TenantName& tenant, const keys::Caller& caller,
                                   std::string_view action, std::string subject,
                                   const std::function<Status(Aliases& aliases)>& edit) const {
  const auto entry = entry_of(caller, action, tenant, std::move(subject));
  return change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY(Aliases all, aliases(store, tenant));
    CLOISTER_RETURN_IF_ERROR(edit(all));
    JsonValue::Object root;
    for (const auto& [name, alias] : all) {
      root.emplace_back(name, JsonValue::Object{{"dataset", alias.dataset},
                                                {"created_ms", static_cast<std::uint64_t>(alias.created.unix_ms)},
                                                {"changed_ms", static_cast<std::uint64_t>(alias.changed.unix_ms)}});
    }
    return settings_.put(change, std::string(kAliasPrefix) + tenant.text(), JsonValue(std::move(root)).serialize());
  });
}

Result<crypto::Secret> ManagedKeys::open_material(const CachedKeyring& keyring, const KnownKey& key) const {
  if (key.material.empty()) return Error(Code::kDenied, "the key of " + key.name.text() + " was never finished");
  const auto message = parse_message(key.material);
  if (!message.ok()) return damaged(key.name);
  if (const auto refusal = refusal_of_version(keyring, message->key_version, key.name.text())) {
    return Error(Code::kDenied, refusal->detail);
  }
  const auto opened = open_message(keyring, key.name, *message, material_context(key.spec));
  if (!opened.ok()) return damaged(key.name);
  return crypto::Secret::copy_of(*opened);
}

Result<ManagedKeys::Due> ManagedKeys::do_due(keys::Hierarchy& hierarchy, const keys::Caller& caller) const {
  keys::Store& store = hierarchy.store();
  Due done;
  // Whoever is refused or comes too late was overtaken by another server, or by a person.
  const auto note = [&done](const Status& status, const std::string& name, std::vector<std::string>& list) {
    if (status.ok()) {
      list.push_back(name);
    } else if (status.error().code() != Code::kDenied && status.error().code() != Code::kExists && !done.failure) {
      done.failure = status.error();
    }
  };
  CLOISTER_TRY(const auto to_destroy, keys::datasets_to_destroy(store, caller.now));
  for (const keys::DatasetName& name : to_destroy) {
    note(hierarchy.destroy_dataset(name, caller), name.text(), done.destroyed);
  }
  CLOISTER_TRY(const auto rows, store.settings(kKeyPrefix));
  for (const auto& [setting, stored] : rows) {
    CLOISTER_TRY(const auto name, keys::parse_dataset_name(std::string_view(setting).substr(kKeyPrefix.size())));
    const auto key = find(store, name);
    if (!key.ok() || !rotation_due(*key, caller.now)) continue;
    keys::Caller once = caller;
    once.request = rotation_of(*key, caller.now);
    const auto rotated = hierarchy.rotate_dataset_key(name, once);
    note(rotated.ok() ? ok_status() : Status(rotated.error()), name.text(), done.rotated);
    if (!rotated.ok()) continue;
    const Status noted = change(store, name, caller, "dataset.note-rotation", [](ManagedKey& after) -> Status {
      after.rotated_in_time.push_back(after.versions.back().version);
      return {};
    });
    if (!noted.ok() && !done.failure) done.failure = noted.error();
  }
  return done;
}

}  // namespace cloister::service
