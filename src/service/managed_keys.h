// What is said of a dataset's key when it is managed as one: its kind, description, tags, aliases, rotation in time,
// and the private material of keys that sign or authenticate. docs/formats/service-settings.md, SS-7 and SS-8.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "keys/dataset_hold.h"
#include "service/authentic_settings.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

enum class KeySpec : std::uint8_t {
  kSymmetric,  // seals messages
  kHmac256,
  kHmac384,
  kHmac512,
  kEd25519,
  kP256,
  kP384,
  kRsa2048,
  kRsa3072,
  kRsa4096,
};
std::string_view key_spec_name(KeySpec spec);  // "hmac-256"
// kInvalid for a name that is none.
Result<KeySpec> parse_key_spec(std::string_view name);

enum class KeyUse { kSeal, kMac, kSign };
KeyUse use_of(KeySpec spec);

struct ManagedKey {
  keys::DatasetName name;
  std::string id;  // the keyring's: 32 hexadecimal digits
  KeySpec spec = KeySpec::kSymmetric;
  Time created;
  std::vector<seal::DatasetKeyEntry> versions;  // ascending
  keys::DatasetHold hold;
  std::string description;
  std::map<std::string, std::string> tags;
  std::optional<Duration> rotate_after;
  std::vector<std::uint32_t> rotated_in_time;  // versions made by rotation in time
  Bytes public_key;                            // SubjectPublicKeyInfo, of a key that signs
  Bytes material;                              // a message; empty for symmetric keys
};

struct Alias {
  std::string dataset;
  Time created, changed;
};
using Aliases = std::map<std::string, Alias, std::less<>>;

// What of a key never changes: kept in memory once it was read.
struct KnownKey {
  keys::DatasetName name;
  std::string id;
  KeySpec spec = KeySpec::kSymmetric;
  Bytes public_key, material;
};

// Any thread may call; each call with a store of the caller's.
class ManagedKeys {
 public:
  ManagedKeys(AuthenticSettings settings, std::shared_ptr<UnlockedKeyrings> keyrings)
      : settings_(std::move(settings)), keyrings_(std::move(keyrings)) {}

  Result<ManagedKey> find(keys::Store& store, const keys::DatasetName& name) const;  // kNotFound
  // By name.
  Result<std::vector<ManagedKey>> list(keys::Store& store, const keys::TenantName& tenant) const;

  // The tenant's key of that id or name. Null when it isn't in memory and `store` is; kNotFound when it isn't there.
  Result<std::shared_ptr<const KnownKey>> by_id(const keys::TenantName& tenant, const std::string& id,
                                                keys::Store* store) const;
  Result<std::shared_ptr<const KnownKey>> by_name(const keys::DatasetName& name, keys::Store* store) const;

  // Makes the dataset `call.target` and its key. Each step is on record; the first carries the call's request key.
  struct Wanted {
    KeySpec spec = KeySpec::kSymmetric;
    std::string description;
    std::map<std::string, std::string> tags;
  };
  Result<ManagedKey> create(const Call& call, keys::Hierarchy& hierarchy, const Wanted& wanted);
  // Description, tags and rotation. `action` names it in the record.
  Status change(keys::Store& store, const keys::DatasetName& name, const keys::Caller& caller, std::string_view action,
                const std::function<Status(ManagedKey& key)>& edit) const;

  Result<Aliases> aliases(keys::Store& store, const keys::TenantName& tenant) const;
  Status change_aliases(keys::Store& store, const keys::TenantName& tenant, const keys::Caller& caller,
                        std::string_view action, std::string subject,
                        const std::function<Status(Aliases& aliases)>& edit) const;

  // Private material: an HMAC key's bytes, or PKCS #8. The state of its message's key version is looked at; kDenied.
  Result<crypto::Secret> open_material(const CachedKeyring& keyring, const KnownKey& key) const;

  // Rotation in time and destruction, of every tenant's keys: those that are due. The names of those that were rotated,
  // and of those that were destroyed. Of several servers one does it.
  struct Due {
    std::vector<std::string> rotated, destroyed;
    std::optional<Error> failure;  // the first; the others were done all the same
  };
  Result<Due> do_due(keys::Hierarchy& hierarchy, const keys::Caller& caller) const;

 private:
  Status read_attributes(keys::Store& store, ManagedKey& key) const;
  Result<ManagedKey> from_record(keys::Store& store, const keys::DatasetRecord& record) const;
  Status put(keys::Store::Change& change, const ManagedKey& key) const;
  Status make_material(const Call& call, keys::Hierarchy& hierarchy, ManagedKey& key);
  std::shared_ptr<const KnownKey> remember(const ManagedKey& key) const;

  const AuthenticSettings settings_;
  const std::shared_ptr<UnlockedKeyrings> keyrings_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const KnownKey>, std::less<>> known_;  // by tenant and id
  mutable std::map<std::string, std::shared_ptr<const KnownKey>, std::less<>> named_;  // by dataset
};

}  // namespace cloister::service
