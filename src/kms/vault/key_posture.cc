#include "kms/vault/key_posture.h"

#include <algorithm>
#include <array>

namespace cloister::kms::vault {
namespace {

constexpr std::array<std::string_view, 4> kAead{"aes256-gcm96", "aes128-gcm96", "chacha20-poly1305",
                                                "xchacha20-poly1305"};

using Moment = std::optional<Time>;

constexpr std::uint64_t kUnlistedMax = 1000;

Assessed<KeyOrigin> origin_of(const TransitKey& key) {
  if (key.external) return KeyOrigin::kExternal;
  if (!key.imported) return Assessed<KeyOrigin>::not_assessed("the server doesn't tell whether the key was imported");
  return *key.imported ? KeyOrigin::kImported : KeyOrigin::kProvider;
}

Assessed<Moment> created_of(const TransitKey& key) {
  if (key.versions.empty() || key.versions.front().number != 1) {
    return Assessed<Moment>::not_assessed("the server doesn't list the first version any more");
  }
  return Moment{key.versions.front().created};
}

// Those that aren't listed, because the key's configuration forbids to open with them, and could be allowed again.
std::vector<ProviderKeyVersion> unlisted_versions(const TransitKey& key) {
  std::vector<ProviderKeyVersion> versions;
  const std::uint64_t listed_from = key.versions.empty() ? key.latest + 1 : key.versions.front().number;
  const std::uint64_t first = listed_from > kUnlistedMax ? listed_from - kUnlistedMax : 1;
  for (std::uint64_t number = std::max(key.min_available, first); number < listed_from; ++number) {
    versions.push_back({"v" + std::to_string(number), {}, ProviderKeyState::kDisabled});
  }
  return versions;
}

Assessed<std::vector<ProviderKeyVersion>> versions_of(const TransitKey& key) {
  if (key.versions.empty()) {
    return Assessed<std::vector<ProviderKeyVersion>>::not_assessed("the server tells no versions");
  }
  std::vector<ProviderKeyVersion> versions = unlisted_versions(key);
  const bool deleted = key.soft_deleted.value_or(false);
  for (const TransitKeyVersion& version : key.versions) {
    const auto state = deleted ? ProviderKeyState::kPendingDeletion : ProviderKeyState::kEnabled;
    versions.push_back({"v" + std::to_string(version.number), version.created, state});
  }
  return versions;
}

Assessed<Moment> last_rotated_of(const TransitKey& key) {
  if (key.versions.empty()) return Assessed<Moment>::not_assessed("the server tells no versions");
  if (key.latest <= 1) return Moment{};
  return Moment{key.versions.back().created};
}

Assessed<RotationPosture> rotation_of(const TransitKey& key) {
  if (!key.auto_rotate_period) {
    return Assessed<RotationPosture>::not_assessed("the server doesn't tell an auto_rotate_period");
  }
  RotationPosture rotation;
  if (*key.auto_rotate_period == Duration{}) return rotation;
  rotation.automatic = true;
  rotation.period = key.auto_rotate_period;
  if (!key.versions.empty()) rotation.next = key.versions.back().created + *key.auto_rotate_period;
  return rotation;
}

Assessed<std::vector<PolicyFinding>> findings_of(const TransitKey& key) {
  using Findings = Assessed<std::vector<PolicyFinding>>;
  if (!key.exportable || !key.deletion_allowed || !key.plaintext_backup) {
    return Findings::not_assessed("the server doesn't tell the key's configuration");
  }
  std::vector<PolicyFinding> findings;
  if (*key.exportable) findings.push_back(PolicyFinding::kExportable);
  if (*key.deletion_allowed) findings.push_back(PolicyFinding::kNoDeletionGuard);
  if (*key.plaintext_backup) findings.push_back(PolicyFinding::kPlaintextBackup);
  return findings;
}

}  // namespace

Status check_usable(const TransitKey& key) {
  if (std::ranges::find(kAead, key.type) == kAead.end()) {
    return Error(Code::kInvalid, "it is of type " + key.type + ", which binds no context: an AEAD key is needed, as " +
                                     std::string(kAead.front()));
  }
  if (key.derived) return Error(Code::kInvalid, "it is a derived key, which needs a context of another kind");
  if (!key.encrypts) return Error(Code::kInvalid, "it doesn't encrypt");
  if (key.soft_deleted.value_or(false)) return Error(Code::kDenied, "it is soft-deleted: restore it first");
  return {};
}

KeyPosture posture_of(const std::string& name, const TransitKey& key) {
  const bool deleted = key.soft_deleted.value_or(false);
  KeyPosture posture;
  posture.key = name;
  posture.managed_by = ManagedBy::kCustomer;
  posture.origin = origin_of(key);
  // The engine uses its keys in the server's memory, whatever seals the server.
  posture.protection = key.external ? ProtectionLevel::kExternal : ProtectionLevel::kSoftware;
  posture.state = deleted ? ProviderKeyState::kPendingDeletion : ProviderKeyState::kEnabled;
  posture.algorithm = key.type;
  posture.created = created_of(key);
  posture.rotation = rotation_of(key);
  posture.last_rotated = last_rotated_of(key);
  posture.deletion_scheduled =
      deleted ? Assessed<Moment>::not_assessed("the key is soft-deleted, without a date") : Assessed<Moment>(Moment{});
  posture.exportable =
      key.exportable ? Assessed<bool>(*key.exportable) : Assessed<bool>::not_assessed("the server doesn't tell");
  posture.last_used = Assessed<Moment>::not_assessed("Vault doesn't tell when a key was used");
  posture.versions = versions_of(key);
  posture.policy_findings = findings_of(key);
  return posture;
}

}  // namespace cloister::kms::vault
