#include "kms/google/google_posture.h"

#include <algorithm>

#include "kms/google/google_name.h"

namespace cloister::kms {
namespace {

using State = ProviderKeyState;
using Finding = PolicyFinding;

template <typename T>
Assessed<T> unknown(std::string why) {
  return Assessed<T>::not_assessed(std::move(why));
}

Assessed<State> state_of(std::string_view state) {
  if (state == "ENABLED") return State::kEnabled;
  if (state == "DISABLED") return State::kDisabled;
  if (state == "DESTROY_SCHEDULED" || state == "PENDING_EXTERNAL_DESTRUCTION") return State::kPendingDeletion;
  if (state == "DESTROYED" || state == "EXTERNAL_DESTRUCTION_FAILED") return State::kDestroyed;
  for (const std::string_view unready :
       {"PENDING_GENERATION", "PENDING_IMPORT", "IMPORT_FAILED", "GENERATION_FAILED"}) {
    if (state == unready) return State::kNotReady;
  }
  return unknown<State>("a state that this program doesn't know: " + std::string(state));
}

Assessed<ProtectionLevel> protection_of(std::string_view level) {
  if (level == "SOFTWARE") return ProtectionLevel::kSoftware;
  if (level == "HSM" || level == "HSM_SINGLE_TENANT") return ProtectionLevel::kHsm;
  if (level == "EXTERNAL" || level == "EXTERNAL_VPC") return ProtectionLevel::kExternal;
  return unknown<ProtectionLevel>("a protection level that this program doesn't know: " + std::string(level));
}

bool decrypts(std::string_view role) {
  for (const std::string_view one :
       {"roles/owner", "roles/cloudkms.cryptoKeyDecrypter", "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "roles/cloudkms.cryptoKeyDecrypterViaDelegation", "roles/cloudkms.cryptoKeyEncrypterDecrypterViaDelegation"}) {
    if (role == one) return true;
  }
  return false;
}

// "serviceAccount:worker@acme.iam.gserviceaccount.com" of another project than the key's.
bool is_other_project(std::string_view member, std::string_view project) {
  static constexpr std::string_view kDomain = ".iam.gserviceaccount.com";
  if (!member.starts_with("serviceAccount:") || !member.ends_with(kDomain)) return false;
  const std::size_t at = member.find('@');
  if (at == std::string_view::npos) return false;
  const std::string_view home = member.substr(at + 1, member.size() - at - 1 - kDomain.size());
  return !home.starts_with("gcp-sa-") && home != project;
}

std::vector<Finding> findings_of(const std::vector<GoogleBinding>& bindings, std::string_view project) {
  std::vector<Finding> findings;
  const auto add = [&](Finding finding) {
    if (std::ranges::find(findings, finding) == findings.end()) findings.push_back(finding);
  };
  for (const GoogleBinding& binding : bindings) {
    if (binding.role == "roles/owner") add(Finding::kWildcardAction);
    for (const std::string& member : binding.members) {
      if (member == "allUsers" || member == "allAuthenticatedUsers") add(Finding::kPublicPrincipal);
      if (is_other_project(member, project)) add(Finding::kOtherAccount);
      // A workload identity pool may ask for evidence in its conditions; accounts and people bring none.
      const bool pool = member.find("/workloadIdentityPools/") != std::string::npos;
      if (decrypts(binding.role) && !pool) add(Finding::kDecryptUnattested);
    }
  }
  return findings;
}

Assessed<KeyOrigin> origin_of(const GoogleKey& key) {
  if (!key.primary) return unknown<KeyOrigin>("it has no primary version");
  if (key.primary->protection.starts_with("EXTERNAL")) return KeyOrigin::kExternal;
  return key.primary->imported || key.import_only ? KeyOrigin::kImported : KeyOrigin::kProvider;
}

// max(generateTime, createTime): a version may be generated, or imported, later than it was created.
std::optional<Time> made_at(const GoogleKeyVersion& version) {
  if (!version.created || !version.generated) return version.created ? version.created : version.generated;
  return std::max(*version.created, *version.generated);
}

void add_key(const GoogleKey& key, KeyPosture& posture) {
  posture.managed_by = ManagedBy::kCustomer;
  posture.origin = origin_of(key);
  posture.protection = protection_of(key.primary ? key.primary->protection : key.protection);
  posture.algorithm = key.primary ? key.primary->algorithm : key.algorithm;
  posture.state = key.primary ? state_of(key.primary->state) : unknown<State>("it has no primary version");
  posture.created = key.created;
  RotationPosture rotation;
  rotation.automatic = key.rotation_period.has_value();
  rotation.period = key.rotation_period;
  rotation.next = key.next_rotation;
  posture.rotation = rotation;
  const bool external = posture.protection.known() && posture.protection.value() == ProtectionLevel::kExternal;
  posture.exportable = external ? unknown<bool>("it is held outside of Google") : Assessed<bool>(false);
}

void add_versions(const std::vector<GoogleKeyVersion>& all, const Result<GoogleKey>& current, KeyPosture& posture) {
  std::vector<ProviderKeyVersion> versions;
  std::optional<Time> destroyed_first;
  std::size_t alive = 0, scheduled = 0;
  for (const GoogleKeyVersion& version : all) {
    versions.push_back({version.name, version.created, state_of(version.state)});
    const auto& state = versions.back().state;
    alive += state.known() && (state.value() == State::kDestroyed) ? 0U : 1U;
    if (!state.known() || state.value() != State::kPendingDeletion) continue;
    ++scheduled;
    if (version.destroy_at && (!destroyed_first || *version.destroy_at < *destroyed_first)) {
      destroyed_first = version.destroy_at;
    }
  }
  posture.versions = std::move(versions);
  if (scheduled == 0 || destroyed_first)
    posture.deletion_scheduled = destroyed_first;
  else
    posture.deletion_scheduled = unknown<std::optional<Time>>("Google doesn't say when");
  if (!current.ok()) return;
  if (all.size() < 2)
    posture.last_rotated = std::optional<Time>();
  else if (current->primary)
    posture.last_rotated = made_at(*current->primary);
  if (current->primary) return;
  // Without a primary version it can't wrap: why, its versions say.
  if (all.empty())
    posture.state = State::kNotReady;
  else if (alive == 0)
    posture.state = State::kDestroyed;
  else
    posture.state = scheduled == alive ? State::kPendingDeletion : State::kDisabled;
}

}  // namespace

KeyPosture google_posture(const GoogleKeyFacts& facts) {
  KeyPosture posture;
  posture.key = facts.key;
  posture.last_used = unknown<std::optional<Time>>("Cloud KMS doesn't tell when a key was used");
  posture.last_rotated = unknown<std::optional<Time>>("it has no primary version");
  if (facts.current.ok()) {
    add_key(*facts.current, posture);
  } else {
    const std::string& why = facts.current.error().message();
    posture.managed_by = unknown<ManagedBy>(why);
    posture.origin = unknown<KeyOrigin>(why);
    posture.protection = unknown<ProtectionLevel>(why);
    posture.state = unknown<State>(why);
    posture.created = unknown<std::optional<Time>>(why);
    posture.rotation = unknown<RotationPosture>(why);
    posture.last_rotated = unknown<std::optional<Time>>(why);
    posture.exportable = unknown<bool>(why);
  }
  if (facts.versions.ok()) {
    add_versions(*facts.versions, facts.current, posture);
  } else {
    const std::string& why = facts.versions.error().message();
    posture.versions = unknown<std::vector<ProviderKeyVersion>>(why);
    posture.deletion_scheduled = unknown<std::optional<Time>>(why);
    posture.last_rotated = unknown<std::optional<Time>>(why);
  }
  if (!facts.policy.ok()) {
    posture.policy_findings = unknown<std::vector<Finding>>(facts.policy.error().message());
    return posture;
  }
  std::vector<Finding> findings = findings_of(*facts.policy, google_project(facts.key));
  // The shortest that Google offers: long enough to be noticed is longer.
  if (facts.current.ok() && facts.current->destroy_after && *facts.current->destroy_after <= days(1)) {
    findings.push_back(Finding::kNoDeletionGuard);
  }
  posture.policy_findings = std::move(findings);
  return posture;
}

}  // namespace cloister::kms
