#include "kms/aws/aws_posture.h"

#include <algorithm>

#include "base/reader.h"
#include "kms/aws/aws_answer.h"
#include "kms/plain_line.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kNameMax = 2048;
constexpr std::size_t kVersionsMax = 10'000;
constexpr std::uint64_t kRotationDaysMax = 36'500;

std::string_view text_of(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  return member == nullptr || member->string() == nullptr ? std::string_view() : std::string_view(*member->string());
}

std::string unknown(std::string_view what, std::string_view word) {
  return word.empty() ? "the answer has no " + std::string(what)
                      : "the answer's " + std::string(what) + " isn't known: " + plain_line(word);
}

Assessed<ManagedBy> managed_by(std::string_view word) {
  if (word == "CUSTOMER") return ManagedBy::kCustomer;
  if (word == "AWS") return ManagedBy::kProvider;
  return Assessed<ManagedBy>::not_assessed(unknown("KeyManager", word));
}

void read_origin(std::string_view word, KeyPosture& posture) {
  if (word == "AWS_KMS" || word == "AWS_CLOUDHSM") {
    posture.origin = KeyOrigin::kProvider;
    posture.protection = ProtectionLevel::kHsm;
    posture.exportable = false;
  } else if (word == "EXTERNAL") {
    posture.origin = KeyOrigin::kImported;
    posture.protection = ProtectionLevel::kHsm;
    posture.exportable = Assessed<bool>::not_assessed("it was imported: AWS can't say what became of the original");
  } else if (word == "EXTERNAL_KEY_STORE") {
    posture.origin = KeyOrigin::kExternal;
    posture.protection = ProtectionLevel::kExternal;
    posture.exportable = Assessed<bool>::not_assessed("it is in a key store outside of AWS");
  } else {
    const std::string why = unknown("Origin", word);
    posture.origin = Assessed<KeyOrigin>::not_assessed(why);
    posture.protection = Assessed<ProtectionLevel>::not_assessed(why);
    posture.exportable = Assessed<bool>::not_assessed(why);
  }
}

Assessed<ProviderKeyState> state_of(std::string_view word) {
  if (word == "Enabled") return ProviderKeyState::kEnabled;
  if (word == "Disabled") return ProviderKeyState::kDisabled;
  if (word == "PendingDeletion" || word == "PendingReplicaDeletion") return ProviderKeyState::kPendingDeletion;
  for (const std::string_view waiting : {"Creating", "PendingImport", "Unavailable", "Updating"}) {
    if (word == waiting) return ProviderKeyState::kNotReady;
  }
  return Assessed<ProviderKeyState>::not_assessed(unknown("KeyState", word));
}

// Nothing when it isn't there.
Assessed<std::optional<Time>> optional_time(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  if (member == nullptr || member->is_null()) return std::optional<Time>();
  if (const auto time = aws_time(member)) return std::optional(*time);
  return Assessed<std::optional<Time>>::not_assessed("the answer's " + std::string(name) + " is no time");
}

Assessed<ProviderKeyState> material_state(std::string_view state, std::string_view import) {
  if (import == "PENDING_IMPORT" || state.starts_with("PENDING_")) return ProviderKeyState::kNotReady;
  if (state == "CURRENT" || state == "NON_CURRENT") return ProviderKeyState::kEnabled;
  return Assessed<ProviderKeyState>::not_assessed(unknown("KeyMaterialState", state));
}

}  // namespace

Status read_key_metadata(const JsonValue& answer, KeyPosture& posture) {
  const JsonValue* metadata = answer.find("KeyMetadata");
  if (metadata == nullptr || metadata->object() == nullptr) {
    return Error(Code::kCorrupt, "the answer has no metadata of a key");
  }
  const std::string_view arn = text_of(*metadata, "Arn");
  if (!arn.starts_with("arn:") || arn.size() > kNameMax || !is_plain_utf8(arn)) {
    return Error(Code::kCorrupt, "the answer has no proper ARN");
  }
  posture.key = arn;
  posture.managed_by = managed_by(text_of(*metadata, "KeyManager"));
  read_origin(text_of(*metadata, "Origin"), posture);
  posture.state = state_of(text_of(*metadata, "KeyState"));
  const std::string_view spec = text_of(*metadata, "KeySpec");
  posture.algorithm = plain_line(spec.empty() ? text_of(*metadata, "CustomerMasterKeySpec") : spec);
  posture.created = optional_time(*metadata, "CreationDate");
  if (posture.created.known() && !posture.created.value()) {
    posture.created = Assessed<std::optional<Time>>::not_assessed("the answer has no CreationDate");
  }
  posture.deletion_scheduled = optional_time(*metadata, "DeletionDate");
  const bool pending = posture.state.known() && posture.state.value() == ProviderKeyState::kPendingDeletion;
  if (pending && posture.deletion_scheduled.known() && !posture.deletion_scheduled.value()) {
    posture.deletion_scheduled =
        Assessed<std::optional<Time>>::not_assessed("it is pending deletion, and the answer has no DeletionDate");
  }
  return {};
}

Assessed<RotationPosture> read_rotation_status(const JsonValue& answer) {
  using Fact = Assessed<RotationPosture>;
  const JsonValue* enabled = answer.find("KeyRotationEnabled");
  if (enabled == nullptr || !enabled->boolean()) return Fact::not_assessed("the answer has no KeyRotationEnabled");
  RotationPosture rotation{*enabled->boolean(), {}, {}};
  if (const JsonValue* period = answer.find("RotationPeriodInDays"); period != nullptr && !period->is_null()) {
    const auto count = period->unsigned_integer();
    if (!count || *count == 0 || *count > kRotationDaysMax) {
      return Fact::not_assessed("the answer's RotationPeriodInDays is no period");
    }
    rotation.period = days(static_cast<std::int64_t>(*count));
  }
  const auto next = optional_time(answer, "NextRotationDate");
  if (!next.known()) return Fact::not_assessed(next.why_not());
  rotation.next = next.value();
  return rotation;
}

Assessed<std::optional<Time>> read_last_usage(const JsonValue& answer) {
  using Fact = Assessed<std::optional<Time>>;
  const JsonValue* usage = answer.find("KeyLastUsage");
  if (usage != nullptr && usage->object() != nullptr && !usage->object()->empty()) {
    if (const auto time = aws_time(usage->find("Timestamp"))) return std::optional(*time);
    return Fact::not_assessed("the answer's last usage has no time");
  }
  const auto tracked = aws_time(answer.find("TrackingStartDate"));
  const auto created = aws_time(answer.find("KeyCreationDate"));
  if (tracked && created && *created >= *tracked) return std::optional<Time>();
  return Fact::not_assessed("none is known, and the key is older than what AWS looked at");
}

Result<std::string> next_marker(const JsonValue& answer) {
  const JsonValue* truncated = answer.find("Truncated");
  if (truncated == nullptr || !truncated->boolean().value_or(false)) return std::string();
  const std::string_view marker = text_of(answer, "NextMarker");
  if (marker.empty() || marker.size() > kNameMax) return Error(Code::kCorrupt, "the list goes on without a marker");
  return std::string(marker);
}

Result<std::string> RotationHistory::add(const JsonValue& answer) {
  const JsonValue* rotations = answer.find("Rotations");
  if (rotations == nullptr || rotations->array() == nullptr) {
    return Error(Code::kCorrupt, "the answer has no list of rotations");
  }
  for (const JsonValue& entry : *rotations->array()) {
    const auto rotated = optional_time(entry, "RotationDate");
    if (!rotated.known()) return Error(Code::kCorrupt, rotated.why_not());
    last_ = std::max(last_, rotated.value());
    const std::string_view name = text_of(entry, "KeyMaterialId");
    unnamed_ = unnamed_ || name.empty() || name.size() > kNameMax || !is_plain_utf8(name);
    if (versions_.size() == kVersionsMax) return Error(Code::kCorrupt, "there are too many rotations");
    versions_.push_back({std::string(name), rotated.value(),
                         material_state(text_of(entry, "KeyMaterialState"), text_of(entry, "ImportState"))});
  }
  return next_marker(answer);
}

void RotationHistory::put_into(KeyPosture& posture) const {
  posture.last_rotated = last_;
  if (unnamed_ || versions_.empty()) {
    posture.versions = Assessed<std::vector<ProviderKeyVersion>>::not_assessed("the answer names no key material");
  } else {
    posture.versions = versions_;
  }
}

}  // namespace cloister::kms
