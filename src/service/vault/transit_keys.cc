// Keys of Vault's transit engine: each is a dataset. Versions of one that encrypts are those of the dataset's key; one
// that signs or authenticates has a single version.
#include <algorithm>
#include <array>

#include "crypto/pem.h"
#include "seal/keyring.h"
#include "service/body_fields.h"
#include "service/vault/transit_routes.h"
#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

using keys::Hierarchy;
using policy::Operation;
using seal::DatasetKeyEntry;
using seal::DatasetKeyState;

bool is_usable(const DatasetKeyEntry& entry) {
  return entry.state == DatasetKeyState::kPrimary || entry.state == DatasetKeyState::kEnabled;
}

// From which version on all may be used.
std::uint32_t least_usable(std::vector<DatasetKeyEntry> entries) {
  std::ranges::sort(entries, std::greater(), &DatasetKeyEntry::version);
  std::uint32_t least = entries.front().version;
  for (const DatasetKeyEntry& entry : entries) {
    if (!is_usable(entry)) break;
    least = entry.version;
  }
  return least;
}

struct TypeName {
  std::string_view name;
  KeySpec spec;
};
constexpr std::array<TypeName, 7> kTypes = {{{"aes256-gcm96", KeySpec::kSymmetric},
                                             {"ed25519", KeySpec::kEd25519},
                                             {"ecdsa-p256", KeySpec::kP256},
                                             {"ecdsa-p384", KeySpec::kP384},
                                             {"rsa-2048", KeySpec::kRsa2048},
                                             {"rsa-3072", KeySpec::kRsa3072},
                                             {"rsa-4096", KeySpec::kRsa4096}}};
constexpr std::string_view kHmacType = "hmac";

std::string_view type_of(KeySpec spec) {
  const auto found = std::ranges::find(kTypes, spec, &TypeName::spec);
  return found == kTypes.end() ? kHmacType : found->name;
}

Result<KeySpec> parse_type(std::string_view name, std::uint64_t key_size) {
  if (name == kHmacType) {
    if (key_size == 0 || key_size == 32) return KeySpec::kHmac256;
    if (key_size == 48) return KeySpec::kHmac384;
    if (key_size == 64) return KeySpec::kHmac512;
    return Error(Code::kInvalid, "key_size of an HMAC key is 32, 48 or 64");
  }
  const auto found = std::ranges::find(kTypes, name, &TypeName::name);
  if (found != kTypes.end() && key_size == 0) return found->spec;
  return Error(Code::kInvalid,
               "type is aes256-gcm96, hmac, ed25519, ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or "
               "rsa-4096; key_size is for hmac");
}

void write_versions(JsonWriter& json, const ManagedKey& key) {
  json.name("keys").begin_object();
  const auto created = static_cast<std::uint64_t>(key.created.unix_ms / 1000);
  switch (use_of(key.spec)) {
    case KeyUse::kSeal:
      for (const DatasetKeyEntry& entry : key.versions) {
        if (entry.state == DatasetKeyState::kDestroyed) continue;
        json.member(std::to_string(entry.version), static_cast<std::uint64_t>(entry.created.unix_ms / 1000));
      }
      break;
    case KeyUse::kMac: json.member("1", created); break;
    case KeyUse::kSign:
      json.name("1").begin_object().member("name", type_of(key.spec)).member("creation_time", to_rfc3339(key.created));
      json.member("public_key", crypto::to_pem(key.public_key, "PUBLIC KEY")).end_object();
  }
  json.end_object();
}

void write_key(JsonWriter& json, const ManagedKey& key) {
  const bool seals = use_of(key.spec) == KeyUse::kSeal, usable = key.hold.state == keys::HoldState::kNone;
  const std::uint32_t latest = seals ? std::ranges::max(key.versions, {}, &DatasetKeyEntry::version).version : 1;
  json.begin_object().member("name", key.name.dataset).member("type", type_of(key.spec));
  json.member("latest_version", std::uint64_t{latest});
  json.member("min_decryption_version", std::uint64_t{seals ? least_usable(key.versions) : 1});
  json.member("min_encryption_version", std::uint64_t{0}).member("min_available_version", std::uint64_t{0});
  json.member("auto_rotate_period", std::uint64_t{0}).member("deletion_allowed", false).member("derived", false);
  json.member("exportable", false).member("allow_plaintext_backup", false).member("imported_key", false);
  json.member("supports_encryption", seals && usable).member("supports_decryption", seals && usable);
  json.member("supports_derivation", false);
  json.member("supports_signing", use_of(key.spec) == KeyUse::kSign && usable);
  write_versions(json, key);
  json.end_object();
}

Result<Reply> shown(const VaultKeys& keys, const Call& call, Hierarchy& hierarchy) {
  CLOISTER_TRY(const ManagedKey key, keys.managed->find(hierarchy.store(), call.target.dataset_name()));
  Reply reply;
  reply.response = vault_data(call.request_id, [&](JsonWriter& json) { write_key(json, key); });
  return reply;
}

Result<Reply> listed(const VaultKeys&, const Call& call, Hierarchy& hierarchy) {
  const Target& target = call.target;
  // Also those of a tenant that isn't there would be none.
  CLOISTER_TRY([[maybe_unused]] const auto tenant, hierarchy.store().tenant(target.tenant, target.environment));
  CLOISTER_TRY(const auto datasets, hierarchy.store().datasets(target.tenant, target.environment));
  if (datasets.empty()) return Reply::of({ProblemCode::kNotFound, ""});  // as Vault has it
  Reply reply;
  reply.response = vault_data(call.request_id, [&](JsonWriter& json) {
    json.begin_object().name("keys").begin_array();
    for (const keys::DatasetRecord& dataset : datasets) json.value(dataset.dataset);
    json.end_array().end_object();
  });
  return reply;
}

// What asks for something that keys here don't do.
Status expect_plain(const BodyFields& fields) {
  for (const std::string_view name :
       {"derived", "convergent_encryption", "exportable", "allow_plaintext_backup", "deletion_allowed"}) {
    CLOISTER_TRY(const bool wanted, fields.truth(name));
    if (wanted) return Error(Code::kInvalid, std::string(name) + " isn't for keys of this service");
  }
  if (!fields.has("auto_rotate_period")) return {};
  const auto text = fields.text("auto_rotate_period");
  const bool off = text.ok() ? *text == "0" || *text == "0s" : fields.number("auto_rotate_period", 0, 0).ok();
  if (off) return {};
  return Error(Code::kInvalid, "auto_rotate_period: keys are rotated when asked to; what wraps them rotates by itself");
}

Status make(const VaultKeys& keys, const Call& call, Hierarchy& hierarchy, KeySpec spec) {
  if (spec == KeySpec::kSymmetric) return hierarchy.create_dataset(call.target.dataset_name(), call.as_caller());
  const auto made = keys.managed->create(call, hierarchy, {.spec = spec, .description = {}, .tags = {}});
  return made.ok() ? ok_status() : Status(made.error());
}

Result<Parsed> parse_create(const VaultKeys& keys, Call& call) {
  CLOISTER_TRY(const auto fields,
               BodyFields::parse(call.request, {"type", "derived", "convergent_encryption", "exportable",
                                                "allow_plaintext_backup", "auto_rotate_period", "key_size"}));
  CLOISTER_RETURN_IF_ERROR(expect_plain(fields));
  CLOISTER_TRY(const auto type, fields.optional_text("type"));
  std::uint64_t key_size = 0;
  if (fields.has("key_size")) {
    CLOISTER_TRY(key_size, fields.number("key_size", 0, 512));
  }
  CLOISTER_TRY(const KeySpec spec, parse_type(type.value_or("aes256-gcm96"), key_size));
  Parsed parsed;
  CLOISTER_TRY(parsed.target, transit_target(call));
  parsed.act = [keys, spec](Call& same, Hierarchy* hierarchy) -> Result<Reply> {
    const Status made = make(keys, same, *hierarchy, spec);
    // What is there already stays as it is, and is no mistake: the same as in Vault.
    if (!made.ok() && made.error().code() != Code::kExists) return made.error();
    return shown(keys, same, *hierarchy);
  };
  return parsed;
}

// Only keys that encrypt have versions.
Status expect_versions(const ManagedKey& key) {
  if (use_of(key.spec) == KeyUse::kSeal) return {};
  return Error(Code::kInvalid, "keys that sign or authenticate have one version: make another key");
}

Result<Parsed> parse_rotate(const VaultKeys& keys, Call& call) {
  CLOISTER_TRY([[maybe_unused]] const auto fields, BodyFields::parse(call.request, {}));
  Parsed parsed;
  CLOISTER_TRY(parsed.target, transit_target(call));
  parsed.act = [keys](Call& same, Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, keys.managed->find(hierarchy->store(), same.target.dataset_name()));
    CLOISTER_RETURN_IF_ERROR(expect_versions(key));
    CLOISTER_TRY([[maybe_unused]] const auto cost,
                 hierarchy->rotate_dataset_key(same.target.dataset_name(), same.as_caller()));
    return shown(keys, same, *hierarchy);
  };
  return parsed;
}

// Disables every version before `least`. Lowering it would be to enable them, which is another right.
Result<Reply> set_least(const VaultKeys& keys, const Call& call, Hierarchy& hierarchy, std::uint64_t least) {
  CLOISTER_TRY(const ManagedKey key, keys.managed->find(hierarchy.store(), call.target.dataset_name()));
  if (least > 1) CLOISTER_RETURN_IF_ERROR(expect_versions(key));
  if (least > std::ranges::max(key.versions, {}, &DatasetKeyEntry::version).version) {
    return Error(Code::kInvalid, "min_decryption_version is greater than the latest version");
  }
  for (const DatasetKeyEntry& entry : key.versions) {
    if (least != 0 && entry.version >= least && !is_usable(entry)) {
      return Error(Code::kInvalid, "version " + std::to_string(entry.version) +
                                       " isn't enabled: lowering min_decryption_version doesn't enable it");
    }
    if (entry.version >= least || !is_usable(entry)) continue;
    CLOISTER_RETURN_IF_ERROR(
        hierarchy.set_dataset_key_state(key.name, entry.version, DatasetKeyState::kDisabled, call.as_caller()));
  }
  return shown(keys, call, hierarchy);
}

Result<Parsed> parse_config(const VaultKeys& keys, Call& call) {
  CLOISTER_TRY(const auto fields,
               BodyFields::parse(call.request, {"min_decryption_version", "min_encryption_version", "deletion_allowed",
                                                "exportable", "allow_plaintext_backup", "auto_rotate_period"}));
  CLOISTER_RETURN_IF_ERROR(expect_plain(fields));
  if (fields.has("min_encryption_version")) {
    CLOISTER_TRY([[maybe_unused]] const std::uint64_t none, fields.number("min_encryption_version", 0, 0));
  }
  std::uint64_t least = 0;
  if (fields.has("min_decryption_version")) {
    CLOISTER_TRY(least, fields.number("min_decryption_version", 0, UINT32_MAX));
  }
  Parsed parsed;
  CLOISTER_TRY(parsed.target, transit_target(call));
  parsed.act = [keys, least](Call& same, Hierarchy* hierarchy) -> Result<Reply> {
    return set_least(keys, same, *hierarchy, least);
  };
  return parsed;
}

using Showing = Result<Reply> (*)(const VaultKeys& keys, const Call& call, Hierarchy& hierarchy);
template <Showing kShow>
Result<Parsed> parse_show(const VaultKeys& keys, Call& call) {
  Parsed parsed;
  CLOISTER_TRY(parsed.target, transit_target(call));
  parsed.act = [keys](Call& same, Hierarchy* hierarchy) { return kShow(keys, same, *hierarchy); };
  return parsed;
}

}  // namespace

std::vector<Route> transit_key_routes(const VaultKeys& keys) {
  using Parsing = Result<Parsed> (*)(const VaultKeys& keys, Call& call);
  const auto route = [&](const char* method, const char* path, Operation operation, Recording recording,
                         Parsing parsing) {
    return Route{method,
                 std::string("/v1/transit/keys") + path,
                 Access::kPolicy,
                 operation,
                 recording,
                 Work::kWorker,
                 [keys, parsing](Call& call) { return parsing(keys, call); },
                 Malformed::kRecorded};
  };
  return {
      route("LIST", "", Operation::kDatasetList, Recording::kService, parse_show<listed>),
      route("GET", "/{dataset}", Operation::kDatasetShow, Recording::kService, parse_show<shown>),
      route("POST", "/{dataset}", Operation::kDatasetCreate, Recording::kVerb, parse_create),
      route("POST", "/{dataset}/rotate", Operation::kDatasetRotateKey, Recording::kVerb, parse_rotate),
      route("POST", "/{dataset}/config", Operation::kDatasetDisableKey, Recording::kVerb, parse_config),
  };
}

}  // namespace cloister::service
