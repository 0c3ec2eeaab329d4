#include "kms/pkcs11/pkcs11_posture.h"

namespace cloister::kms {
namespace {

template <typename T>
Assessed<T> untold(const char* attribute) {
  return Assessed<T>::not_assessed("the token doesn't say " + std::string(attribute));
}

template <typename T>
Assessed<T> no_words(const char* why) {
  return Assessed<T>::not_assessed(why);
}

// "20261126" as the days are compared: by text.
std::string day_of(Time now) {
  std::string day = to_rfc3339(now).substr(0, 10);
  std::erase(day, '-');
  return day;
}

Assessed<ProviderKeyState> state_of(const TokenKeyFacts& facts, Time now) {
  const auto may = [](const std::optional<bool>& flag) { return flag.value_or(false); };
  if (!facts.decrypts && !facts.unwraps) return untold<ProviderKeyState>("CKA_DECRYPT and CKA_UNWRAP");
  const std::string today = day_of(now);
  const std::string start = facts.start_date.value_or("");
  const std::string end = facts.end_date.value_or("");
  if (!start.empty() && today < start) return ProviderKeyState::kNotReady;
  if (!end.empty() && today > end) return ProviderKeyState::kDisabled;
  return may(facts.decrypts) || may(facts.unwraps) ? ProviderKeyState::kEnabled : ProviderKeyState::kDisabled;
}

// NSS keeps neither fact and says of every key that it wasn't made there: a "no" counts where the other one is kept.
Assessed<KeyOrigin> origin_of(const TokenKeyFacts& facts) {
  if (!facts.local) return untold<KeyOrigin>("CKA_LOCAL");
  if (*facts.local) return KeyOrigin::kProvider;
  if (!facts.made_by) return untold<KeyOrigin>("CKA_KEY_GEN_MECHANISM, without which its CKA_LOCAL isn't believed");
  return KeyOrigin::kImported;
}

Assessed<bool> exportable_of(const TokenKeyFacts& facts) {
  if (facts.extractable == true || facts.sensitive == false) return true;
  if (!facts.extractable) return untold<bool>("CKA_EXTRACTABLE");
  if (!facts.sensitive) return untold<bool>("CKA_SENSITIVE");
  return false;
}

Assessed<std::vector<PolicyFinding>> findings_of(const TokenKeyFacts& facts) {
  if (!facts.extractable || !facts.sensitive || !facts.never_extractable) {
    return untold<std::vector<PolicyFinding>>("CKA_EXTRACTABLE, CKA_SENSITIVE or CKA_NEVER_EXTRACTABLE");
  }
  std::vector<PolicyFinding> findings;
  // What could leave once may have left.
  const bool could_leave = *facts.extractable || !*facts.sensitive || !*facts.never_extractable;
  if (could_leave) findings.push_back(PolicyFinding::kExportable);
  if (facts.destroyable.value_or(true)) findings.push_back(PolicyFinding::kNoDeletionGuard);
  return findings;
}

}  // namespace

KeyPosture posture_of(std::string key, const TokenKeyFacts& facts, TokenHome home, Time now) {
  KeyPosture posture;
  posture.key = std::move(key);
  posture.managed_by = ManagedBy::kCustomer;
  posture.origin = origin_of(facts);
  posture.protection = home == TokenHome::kUnknown
                           ? untold<ProtectionLevel>("whether it is hardware (CKF_HW_SLOT)")
                           : Assessed<ProtectionLevel>(home == TokenHome::kHardware ? ProtectionLevel::kHsm
                                                                                    : ProtectionLevel::kSoftware);
  posture.state = state_of(facts, now);
  posture.algorithm = algorithm_of(facts);
  posture.created = no_words<std::optional<Time>>("PKCS#11 doesn't say when a key was made");
  posture.rotation = no_words<RotationPosture>("PKCS#11 has no rotation metadata");
  posture.last_rotated = no_words<std::optional<Time>>("PKCS#11 has no rotation metadata");
  // A key is destroyed at once, or not at all.
  posture.deletion_scheduled = std::optional<Time>();
  posture.exportable = exportable_of(facts);
  posture.last_used = no_words<std::optional<Time>>("PKCS#11 doesn't say when a key was used");
  posture.versions = no_words<std::vector<ProviderKeyVersion>>("a token keeps no versions of a key");
  posture.policy_findings = findings_of(facts);
  return posture;
}

}  // namespace cloister::kms
