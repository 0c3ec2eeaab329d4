#include "kms/posture.h"

#include <nlohmann/json.hpp>

namespace cloister::kms {
namespace {

using Json = nlohmann::ordered_json;

Json word(ManagedBy value) { return value == ManagedBy::kCustomer ? "customer" : "provider"; }

Json word(KeyOrigin value) {
  switch (value) {
    case KeyOrigin::kProvider: return "provider";
    case KeyOrigin::kImported: return "imported";
    case KeyOrigin::kExternal: return "external";
  }
  return nullptr;
}

Json word(ProtectionLevel value) {
  switch (value) {
    case ProtectionLevel::kSoftware: return "software";
    case ProtectionLevel::kHsm: return "hsm";
    case ProtectionLevel::kExternal: return "external";
  }
  return nullptr;
}

Json word(ProviderKeyState value) {
  switch (value) {
    case ProviderKeyState::kEnabled: return "enabled";
    case ProviderKeyState::kDisabled: return "disabled";
    case ProviderKeyState::kPendingDeletion: return "pending-deletion";
    case ProviderKeyState::kDestroyed: return "destroyed";
    case ProviderKeyState::kNotReady: return "not-ready";
  }
  return nullptr;
}

Json word(bool value) { return value; }

Json word(const std::optional<Time>& time) { return time ? Json(to_rfc3339(*time)) : Json(nullptr); }

Json word(const RotationPosture& rotation) {
  return {{"automatic", rotation.automatic},
          {"period_seconds", rotation.period ? Json(rotation.period->ms / 1000) : Json(nullptr)},
          {"next", word(rotation.next)}};
}

template <typename T>
Json fact(const Assessed<T>& assessed) {
  if (!assessed.known()) return {{"not_assessed", assessed.why_not()}};
  return word(assessed.value());
}

// After fact(): a version's state is a fact itself.
Json fact(const Assessed<std::vector<ProviderKeyVersion>>& versions) {
  if (!versions.known()) return {{"not_assessed", versions.why_not()}};
  Json list = Json::array();
  for (const ProviderKeyVersion& version : versions.value()) {
    list.push_back({{"name", version.name}, {"created", word(version.created)}, {"state", fact(version.state)}});
  }
  return list;
}

Json fact(const Assessed<std::vector<PolicyFinding>>& findings) {
  if (!findings.known()) return {{"not_assessed", findings.why_not()}};
  Json list = Json::array();
  for (const PolicyFinding finding : findings.value()) list.push_back(policy_finding_name(finding));
  return list;
}

}  // namespace

std::string_view policy_finding_name(PolicyFinding finding) {
  switch (finding) {
    case PolicyFinding::kPublicPrincipal: return "public-principal";
    case PolicyFinding::kWildcardAction: return "wildcard-action";
    case PolicyFinding::kOtherAccount: return "other-account";
    case PolicyFinding::kDecryptUnattested: return "decrypt-unattested";
    case PolicyFinding::kExportable: return "exportable";
    case PolicyFinding::kNoDeletionGuard: return "no-deletion-guard";
    case PolicyFinding::kPlaintextBackup: return "plaintext-backup";
  }
  return "unknown";
}

std::string to_json(const KeyPosture& posture) {
  const Json json = {
      {"key", posture.key},
      {"managed_by", fact(posture.managed_by)},
      {"origin", fact(posture.origin)},
      {"protection", fact(posture.protection)},
      {"state", fact(posture.state)},
      {"algorithm", posture.algorithm.empty() ? Json(nullptr) : Json(posture.algorithm)},
      {"created", fact(posture.created)},
      {"rotation", fact(posture.rotation)},
      {"last_rotated", fact(posture.last_rotated)},
      {"deletion_scheduled", fact(posture.deletion_scheduled)},
      {"exportable", fact(posture.exportable)},
      {"last_used", fact(posture.last_used)},
      {"versions", fact(posture.versions)},
      {"policy_findings", fact(posture.policy_findings)},
  };
  // Names come from outside, and not every provider keeps them in UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cloister::kms
