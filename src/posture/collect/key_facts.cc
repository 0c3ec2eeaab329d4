#include "posture/collect/key_facts.h"

#include <algorithm>
#include <sstream>

namespace cloister::posture {
namespace {

std::string_view word_of(kms::KeyOrigin origin) {
  switch (origin) {
    case kms::KeyOrigin::kProvider: return "provider";
    case kms::KeyOrigin::kImported: return "imported";
    case kms::KeyOrigin::kExternal: return "external";
  }
  return "?";
}

std::string_view word_of(kms::ProtectionLevel protection) {
  switch (protection) {
    case kms::ProtectionLevel::kSoftware: return "software";
    case kms::ProtectionLevel::kHsm: return "hsm";
    case kms::ProtectionLevel::kExternal: return "external";
  }
  return "?";
}

std::string_view word_of(kms::ProviderKeyState state) {
  switch (state) {
    case kms::ProviderKeyState::kEnabled: return "enabled";
    case kms::ProviderKeyState::kDisabled: return "disabled";
    case kms::ProviderKeyState::kPendingDeletion: return "pending-deletion";
    case kms::ProviderKeyState::kDestroyed: return "destroyed";
    case kms::ProviderKeyState::kNotReady: return "not-ready";
  }
  return "?";
}

// Takes the values over one by one, and keeps the names of those that aren't there.
class Values {
 public:
  template <typename T, typename Use>
  void take(std::string_view name, const kms::Assessed<T>& part, Use use) {
    if (part.known()) {
      use(part.value());
    } else {
      missing.emplace_back(std::string(name) + ": " + part.why_not());
    }
  }
  void put(std::string_view name, FactValue value) { values.insert_or_assign(std::string(name), std::move(value)); }

  FactValues values;
  std::vector<std::string> missing;
};

void take_rotation(const kms::KeyPosture& posture, Values& into) {
  into.take("rotation", posture.rotation, [&](const kms::RotationPosture& rotation) {
    into.put("rotation_automatic", rotation.automatic);
    if (rotation.period) into.put("rotation_period_days", rotation.period->ms / days(1).ms);
  });
  into.take("last_rotated", posture.last_rotated, [&](const std::optional<Time>& time) {
    if (time) into.put("last_rotated", to_rfc3339(*time));
  });
}

void take_findings(const kms::KeyPosture& posture, Values& into) {
  into.take("policy_findings", posture.policy_findings, [&](const std::vector<kms::PolicyFinding>& findings) {
    std::vector<std::string> names;
    for (const kms::PolicyFinding finding : findings) names.emplace_back(kms::policy_finding_name(finding));
    into.put("policy_findings", std::move(names));
  });
}

void take_declared(const Estate& estate, std::string_view key, Values& into) {
  const auto declared = std::ranges::find(estate.keys, key, &DeclaredKey::name);
  if (declared == estate.keys.end()) return;
  if (!declared->key_class.empty()) into.put("key_class", declared->key_class);
  if (declared->cryptoperiod) into.put("cryptoperiod_days", declared->cryptoperiod->ms / days(1).ms);
  std::vector<std::string> tenants;
  std::istringstream names(declared->label.tenant);
  for (std::string name; std::getline(names >> std::ws, name, ',');) tenants.push_back(name);
  if (!tenants.empty()) into.put("tenants", std::move(tenants));
}

}  // namespace

std::set<std::string> own_accounts(const Estate& estate) {
  std::set<std::string> own(estate.own_accounts.begin(), estate.own_accounts.end());
  for (const DeclaredKey& key : estate.keys) own.insert(key.account);
  own.erase("");
  return own;
}

std::string key_manager(const kms::Assessed<kms::ManagedBy>& managed_by, std::string_view account,
                        const std::set<std::string>& own) {
  if (managed_by.known() && managed_by.value() == kms::ManagedBy::kProvider) return "platform_default";
  if (own.empty() || account.empty()) return "unknown";
  if (!own.contains(std::string(account))) return "foreign";
  return managed_by.known() ? "operator" : "unknown";
}

Fact key_posture_fact(const FactMaker& maker, const kms::KeyPosture& posture, const std::string& manager) {
  Values into;
  into.take("origin", posture.origin, [&](kms::KeyOrigin origin) { into.put("origin", std::string(word_of(origin))); });
  into.take("protection", posture.protection,
            [&](kms::ProtectionLevel level) { into.put("protection", std::string(word_of(level))); });
  into.take("state", posture.state,
            [&](kms::ProviderKeyState state) { into.put("state", std::string(word_of(state))); });
  into.take("exportable", posture.exportable, [&](bool exportable) { into.put("exportable", exportable); });
  into.take("created", posture.created, [&](const std::optional<Time>& time) {
    if (time) into.put("created", to_rfc3339(*time));
  });
  into.take("deletion_scheduled", posture.deletion_scheduled,
            [&](const std::optional<Time>& time) { into.put("deletion_scheduled", time.has_value()); });
  if (manager != "platform_default") take_rotation(posture, into);
  take_findings(posture, into);
  const Subject subject{SubjectKind::kKey, posture.key};
  if (into.values.empty()) {
    return maker.not_assessed("key.posture", subject,
                              posture.state.known() ? "nothing is known" : posture.state.why_not());
  }
  take_declared(maker.estate(), posture.key, into);
  Fact fact = maker.make("key.posture", subject);
  fact.values = std::move(into.values);
  fact.values["manager"] = manager;
  if (!posture.algorithm.empty()) fact.values["algorithm"] = posture.algorithm;
  if (!into.missing.empty()) fact.values["not_assessed_parts"] = std::move(into.missing);
  fact.raw = raw_excerpt(kms::to_json(posture));
  return fact;
}

}  // namespace cloister::posture
