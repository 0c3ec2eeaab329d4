#include "kms/azure/azure_posture.h"

#include <algorithm>

namespace cloister::kms {
namespace {

template <typename T>
Assessed<T> unknown(std::string why) {
  return Assessed<T>::not_assessed(std::move(why));
}

ProviderKeyState state_of(const AzureKeyAttributes& attributes, Time now) {
  if (!attributes.enabled.value_or(false)) return ProviderKeyState::kDisabled;
  if (attributes.not_before && *attributes.not_before > now) return ProviderKeyState::kNotReady;
  if (attributes.expires && *attributes.expires <= now) return ProviderKeyState::kDisabled;
  return ProviderKeyState::kEnabled;
}

Assessed<ProviderKeyState> assessed_state(const AzureKeyAttributes& attributes, Time now) {
  if (!attributes.enabled) return unknown<ProviderKeyState>("the vault doesn't say whether it is enabled");
  return state_of(attributes, now);
}

Assessed<ProtectionLevel> protection_of(std::string_view type) {
  if (type.ends_with("-HSM")) return ProtectionLevel::kHsm;
  if (type == "RSA" || type == "EC" || type == "oct") return ProtectionLevel::kSoftware;
  return unknown<ProtectionLevel>("a key type that this program doesn't know: " + std::string(type));
}

bool can(const AzureKey& key, std::string_view operation) {
  return std::ranges::find(key.operations, operation) != key.operations.end();
}

Assessed<std::vector<PolicyFinding>> findings_of(const AzureKey& key) {
  std::vector<PolicyFinding> findings;
  // Release is what asks for evidence; unwrapping with the key asks only for a role.
  if (can(key, "unwrapKey") || can(key, "decrypt")) findings.push_back(PolicyFinding::kDecryptUnattested);
  if (key.attributes.exportable.value_or(false)) findings.push_back(PolicyFinding::kExportable);
  if (key.attributes.recovery_level.find("Purgeable") != std::string::npos) {
    findings.push_back(PolicyFinding::kNoDeletionGuard);
  }
  if (!findings.empty()) return findings;
  return unknown<std::vector<PolicyFinding>>("who may use it is in role assignments, which the vault doesn't tell");
}

Assessed<RotationPosture> rotation_of(const AzureRotationPolicy& policy, std::optional<Time> newest_created) {
  RotationPosture rotation;
  rotation.automatic = policy.automatic;
  if (!policy.automatic) return rotation;
  rotation.period = policy.after_create;
  if (!rotation.period && policy.before_expiry && policy.expiry && *policy.before_expiry < *policy.expiry) {
    rotation.period = Duration{policy.expiry->ms - policy.before_expiry->ms};
  }
  if (rotation.period && newest_created && !policy.calendar) rotation.next = *newest_created + *rotation.period;
  return rotation;
}

void add_key(const AzureKey& key, const AzureKeyFacts& facts, Time now, KeyPosture& posture) {
  posture.managed_by = key.managed ? ManagedBy::kProvider : ManagedBy::kCustomer;
  posture.protection = protection_of(key.type);
  posture.algorithm = key.curve.empty() ? key.type : key.type + " " + key.curve;
  posture.state = facts.deleted ? Assessed<ProviderKeyState>(ProviderKeyState::kPendingDeletion)
                                : assessed_state(key.attributes, now);
  posture.created = key.attributes.created;
  posture.deletion_scheduled = key.purge_scheduled;
  posture.exportable = key.attributes.exportable ? Assessed<bool>(*key.attributes.exportable)
                                                 : unknown<bool>("the vault doesn't say whether it is exportable");
  posture.policy_findings = findings_of(key);
}

void add_versions(const std::vector<AzureKeyItem>& items, Time now, KeyPosture& posture) {
  std::vector<ProviderKeyVersion> versions;
  std::optional<Time> oldest, newest;
  for (const AzureKeyItem& item : items) {
    const auto created = item.attributes.created;
    versions.push_back({item.id.version, created, assessed_state(item.attributes, now)});
    if (created && (!oldest || *created < *oldest)) oldest = created;
    if (created && (!newest || *created > *newest)) newest = created;
  }
  if (oldest) posture.created = oldest;
  posture.versions = std::move(versions);
  if (items.size() < 2) {
    posture.last_rotated = std::optional<Time>();
  } else if (newest) {
    posture.last_rotated = newest;
  } else {
    posture.last_rotated = unknown<std::optional<Time>>("the vault doesn't say when its versions were made");
  }
}

}  // namespace

KeyPosture azure_posture(const AzureKeyFacts& facts, Time now) {
  KeyPosture posture;
  posture.key = facts.key;
  posture.origin = unknown<KeyOrigin>("Azure doesn't tell whether a key was made there or imported");
  posture.last_used = unknown<std::optional<Time>>("Azure doesn't tell when a key was used");
  if (facts.newest.ok()) {
    add_key(*facts.newest, facts, now, posture);
  } else {
    const std::string& why = facts.newest.error().message();
    posture.managed_by = unknown<ManagedBy>(why);
    posture.protection = unknown<ProtectionLevel>(why);
    posture.state = unknown<ProviderKeyState>(why);
    posture.created = unknown<std::optional<Time>>(why);
    posture.deletion_scheduled = unknown<std::optional<Time>>(why);
    posture.exportable = unknown<bool>(why);
    posture.policy_findings = unknown<std::vector<PolicyFinding>>(why);
  }
  if (facts.versions.ok()) {
    add_versions(*facts.versions, now, posture);
  } else {
    const std::string& why = facts.versions.error().message();
    posture.versions = unknown<std::vector<ProviderKeyVersion>>(why);
    posture.last_rotated = unknown<std::optional<Time>>(why);
  }
  const std::optional<Time> newest_created =
      facts.newest.ok() ? facts.newest->attributes.created : std::optional<Time>();
  posture.rotation = facts.rotation.ok() ? rotation_of(*facts.rotation, newest_created)
                                         : unknown<RotationPosture>(facts.rotation.error().message());
  return posture;
}

}  // namespace cloister::kms
