#include "kms/kmip/key_posture.h"

#include <algorithm>
#include <array>

namespace cloister::kms::kmip {
namespace {

struct NamedNumber {
  std::uint32_t number;
  std::string_view name;
};

constexpr std::array kAlgorithms{NamedNumber{1, "DES"},         NamedNumber{2, "3DES"},
                                 NamedNumber{3, "AES"},         NamedNumber{4, "RSA"},
                                 NamedNumber{5, "DSA"},         NamedNumber{6, "ECDSA"},
                                 NamedNumber{8, "HMAC-SHA256"}, NamedNumber{0x1C, "ChaCha20Poly1305"}};

constexpr std::array kStates{NamedNumber{1, "PreActive"},   NamedNumber{2, "Active"},
                             NamedNumber{3, "Deactivated"}, NamedNumber{4, "Compromised"},
                             NamedNumber{5, "Destroyed"},   NamedNumber{6, "DestroyedCompromised"}};

std::string algorithm_of(const KeyAttributes& attributes) {
  if (!attributes.algorithm) return {};
  const auto* known = std::ranges::find(kAlgorithms, *attributes.algorithm, &NamedNumber::number);
  std::string text =
      known == kAlgorithms.end() ? "algorithm " + std::to_string(*attributes.algorithm) : std::string(known->name);
  if (attributes.length) text += "-" + std::to_string(*attributes.length);
  return text;
}

Assessed<ProtectionLevel> protection_of(const KeyAttributes& attributes) {
  using Level = Assessed<ProtectionLevel>;
  if (!attributes.storage_mask) return Level::not_assessed("the server doesn't tell where the key is kept");
  const bool hardware = (*attributes.storage_mask & kStoredInHardware) != 0;
  const bool software = (*attributes.storage_mask & kStoredInSoftware) != 0;
  if (hardware == software) return Level::not_assessed("the server allows more than one kind of place, or names none");
  return hardware ? ProtectionLevel::kHsm : ProtectionLevel::kSoftware;
}

Assessed<RotationPosture> rotation_of(const KeyAttributes& attributes, Time now) {
  if (!attributes.rotate_interval && !attributes.rotate_automatic) {
    return Assessed<RotationPosture>::not_assessed("the server tells nothing of rotation");
  }
  const bool periodic = attributes.rotate_interval && *attributes.rotate_interval > Duration{};
  RotationPosture rotation;
  rotation.automatic = attributes.rotate_automatic.value_or(periodic);
  if (periodic) rotation.period = attributes.rotate_interval;
  // Some servers keep the date of the last rotation there, some that of the next.
  if (rotation.automatic && attributes.rotate_date && *attributes.rotate_date > now) {
    rotation.next = attributes.rotate_date;
  } else if (rotation.automatic && attributes.rotate_date && periodic) {
    rotation.next = *attributes.rotate_date + *attributes.rotate_interval;
  }
  return rotation;
}

Assessed<std::optional<Time>> last_rotated_of(const KeyAttributes& attributes, Time now) {
  using Moment = std::optional<Time>;
  if (attributes.rotate_generation && *attributes.rotate_generation == 0) return Moment{};
  if (attributes.rotate_generation && attributes.rotate_date && *attributes.rotate_date <= now) {
    return Moment{attributes.rotate_date};
  }
  if (!attributes.replaced.empty() && attributes.initial) return Moment{attributes.initial};
  return Assessed<Moment>::not_assessed("the key has no link to one it took the place of, and no rotation attributes");
}

}  // namespace

std::string_view state_name(std::uint32_t state) {
  const auto* known = std::ranges::find(kStates, state, &NamedNumber::number);
  return known == kStates.end() ? "in an unknown state" : known->name;
}

Assessed<ProviderKeyState> key_state(const KeyAttributes& attributes) {
  if (!attributes.state) return Assessed<ProviderKeyState>::not_assessed("the server tells no state");
  switch (static_cast<State>(*attributes.state)) {
    case State::kPreActive: return ProviderKeyState::kNotReady;
    case State::kActive: return ProviderKeyState::kEnabled;
    case State::kDeactivated:
    case State::kCompromised: return ProviderKeyState::kDisabled;
    case State::kDestroyed:
    case State::kDestroyedCompromised: return ProviderKeyState::kDestroyed;
  }
  return Assessed<ProviderKeyState>::not_assessed("the server tells state " + std::to_string(*attributes.state));
}

KeyPosture posture_of(const std::vector<ChainLink>& chain, Time now) {
  const KeyAttributes& attributes = chain.front().attributes;
  KeyPosture posture;
  posture.key = chain.front().identifier;
  posture.managed_by = ManagedBy::kCustomer;
  posture.origin = Assessed<KeyOrigin>::not_assessed("KMIP doesn't tell a key made there from one brought there");
  posture.protection = protection_of(attributes);
  posture.state = key_state(attributes);
  posture.algorithm = algorithm_of(attributes);
  posture.created = attributes.initial
                        ? Assessed<std::optional<Time>>(attributes.initial)
                        : Assessed<std::optional<Time>>::not_assessed("the server tells no initial date");
  posture.rotation = rotation_of(attributes, now);
  posture.last_rotated = last_rotated_of(attributes, now);
  posture.deletion_scheduled = Assessed<std::optional<Time>>::not_assessed("KMIP knows no deletion at a later date");
  posture.exportable = attributes.extractable ? Assessed<bool>(*attributes.extractable)
                                              : Assessed<bool>::not_assessed("the server tells nothing of Extractable");
  posture.last_used = Assessed<std::optional<Time>>::not_assessed("KMIP doesn't tell when a key was used");
  std::vector<ProviderKeyVersion> versions;
  for (const ChainLink& link : chain) {
    versions.push_back({link.identifier, link.attributes.initial, key_state(link.attributes)});
  }
  posture.versions = std::move(versions);
  using Findings = Assessed<std::vector<PolicyFinding>>;
  posture.policy_findings = attributes.extractable.value_or(false)
                                ? Findings({PolicyFinding::kExportable})
                                : Findings::not_assessed("KMIP doesn't show who may use a key");
  return posture;
}

}  // namespace cloister::kms::kmip
