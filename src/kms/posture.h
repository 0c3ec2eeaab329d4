// What a provider says of a key it holds: whose it is, where it lives, in what state, and how it is rotated. Facts as
// they were told at one moment; judging them is the posture audit's.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace cloister::kms {

// A fact, or why it couldn't be had: refused, not offered by this provider, not understood. What nobody looked at is
// "not assessed", never a default.
template <typename T>
class Assessed {
 public:
  Assessed() : why_not_("not asked for") {}
  Assessed(T value) : value_(std::move(value)) {}
  static Assessed not_assessed(std::string why) {
    Assessed fact;
    fact.why_not_ = std::move(why);
    return fact;
  }

  bool known() const { return value_.has_value(); }
  const T& value() const { return *value_; }  // only when known()
  const std::string& why_not() const { return why_not_; }

 private:
  std::optional<T> value_;
  std::string why_not_;
};

enum class ManagedBy {
  kCustomer,
  kProvider,  // the platform's default key: AWS-managed, Google-owned, Azure's `managed`
};
enum class KeyOrigin { kProvider, kImported, kExternal };  // made there; brought there; held outside of it
enum class ProtectionLevel { kSoftware, kHsm, kExternal };
enum class ProviderKeyState { kEnabled, kDisabled, kPendingDeletion, kDestroyed, kNotReady };

struct RotationPosture {
  bool automatic = false;
  std::optional<Duration> period;
  std::optional<Time> next;
};

struct ProviderKeyVersion {
  std::string name;
  std::optional<Time> created;
  Assessed<ProviderKeyState> state;
};

// What should worry whoever relies on the key.
enum class PolicyFinding {
  kPublicPrincipal,    // anybody may use it
  kWildcardAction,     // a statement allows every operation
  kOtherAccount,       // another account may use it
  kDecryptUnattested,  // decryption is allowed without evidence of who decrypts
  kExportable,         // the key can leave
  kNoDeletionGuard,    // it could be destroyed at once
  kPlaintextBackup,    // a backup without protection is allowed
};
std::string_view policy_finding_name(PolicyFinding finding);  // "public-principal"

struct KeyPosture {
  std::string key;  // as the provider names it, in full
  Assessed<ManagedBy> managed_by;
  Assessed<KeyOrigin> origin;
  Assessed<ProtectionLevel> protection;
  Assessed<ProviderKeyState> state;
  std::string algorithm;  // in the provider's own word; empty when it says none
  Assessed<std::optional<Time>> created;
  Assessed<RotationPosture> rotation;
  Assessed<std::optional<Time>> last_rotated;        // nothing: never
  Assessed<std::optional<Time>> deletion_scheduled;  // nothing: none is
  Assessed<bool> exportable;
  Assessed<std::optional<Time>> last_used;  // nothing: surely never; providers that can't tell aren't assessed
  Assessed<std::vector<ProviderKeyVersion>> versions;
  Assessed<std::vector<PolicyFinding>> policy_findings;
};

// One JSON object: a fact is its value, {"not_assessed": "why"} where there is none. docs/formats/key-posture.md.
std::string to_json(const KeyPosture& posture);

}  // namespace cloister::kms
