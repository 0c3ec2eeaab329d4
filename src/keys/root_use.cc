#include "keys/root_use.h"

#include <algorithm>

#include "base/base64.h"
#include "keys/hierarchy.h"
#include "keys/root_check.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kRootPrefix = "root:";
constexpr std::string_view kRootId = "root_id";

// A key in the form of the root check.
class WrappedSetting final : public RootedSetting {
 public:
  WrappedSetting(std::string_view name, std::string_view purpose) : name_(name), purpose_(purpose) {}

  std::string_view name() const override { return name_; }

  Result<std::vector<std::string>> roots(std::string_view value) const override {
    CLOISTER_TRY(const RootCheck kept, parse_root_check(value));
    return std::vector<std::string>{kept.wrapped.key_id};
  }

  Result<std::string> rewrap(std::string_view value, const Bytes& home_id, crypto::KeyWrapper& sources,
                             crypto::KeyWrapper& target) const override {
    CLOISTER_TRY(RootCheck kept, parse_root_check(value));
    const crypto::WrapContext context{"", "", home_id, std::string(purpose_), kept.commitment};
    CLOISTER_TRY(const crypto::KeyMaterial key, sources.unwrap(kept.wrapped, context));
    if (!crypto::equal_constant_time(crypto::key_commitment(key, purpose_), kept.commitment)) {
      return Error(Code::kCorrupt, "the key doesn't fit its commitment");
    }
    CLOISTER_TRY(kept.wrapped, crypto::wrap_proven(target, key, context));
    return serialize_root_check(kept);
  }

 private:
  std::string_view name_, purpose_;
};

bool holds(ByteView bytes, std::string_view id) { return as_text(bytes).find(id) != std::string_view::npos; }

// Whether the id stands there, plainly, in hexadecimal or in base64; behind the MAC of an authentic setting too.
bool mentions(std::string_view value, std::string_view id) {
  if (value.find(id) != std::string_view::npos) return true;
  for (const std::string_view text : {value, value.substr(value.find('\n') + 1)}) {
    const auto hex = from_hex(text);
    if (hex.ok() && holds(*hex, id)) return true;
    const auto base64 = from_base64(text);
    if (base64.ok() && holds(*base64, id)) return true;
  }
  return false;
}

bool says_who_the_roots_are(std::string_view setting) { return setting == kRootId || setting.starts_with(kRootPrefix); }

Status look_at_settings(Store& store, std::string_view id, std::span<const RootedSetting* const> known, RootUse& use) {
  CLOISTER_TRY(const auto settings, store.settings(""));
  for (const auto& [name, value] : settings) {
    if (says_who_the_roots_are(name)) continue;
    const auto rooted = std::ranges::find(known, std::string_view(name), [](const auto* one) { return one->name(); });
    if (rooted == known.end()) {
      if (mentions(value, id)) use.strangers.push_back(name);
      continue;
    }
    CLOISTER_TRY(const auto roots, (*rooted)->roots(value).with_context("read the setting " + name));
    if (std::ranges::find(roots, id) != roots.end()) use.settings.push_back(name);
  }
  return {};
}

}  // namespace

Result<std::vector<KnownRoot>> known_roots(Store& store) {
  CLOISTER_TRY(const std::string own, store.setting(kRootId));
  CLOISTER_TRY(const auto settings, store.settings(kRootPrefix));
  std::vector<KnownRoot> roots;
  for (const auto& [name, id] : settings) roots.push_back({name.substr(kRootPrefix.size()), id, id == own});
  // A home from before there were several: it says only which one it has.
  if (roots.empty()) roots.push_back({std::string(kFirstRoot), own, true});
  return roots;
}

Result<KnownRoot> known_root(Store& store, std::string_view name) {
  CLOISTER_TRY(const auto roots, known_roots(store));
  const auto found = std::ranges::find(roots, name, &KnownRoot::name);
  if (found != roots.end()) return *found;
  return Error(Code::kNotFound, "this home has no root " + std::string(name) + ": `cloister root list`");
}

RootedSettings own_rooted_settings() {
  static const WrappedSetting settings[] = {
      {"root_check", "home"}, {"log_key", "log"}, {"service_key", "service-settings"}};
  RootedSettings pointers;
  for (const WrappedSetting& setting : settings) pointers.push_back(&setting);
  return pointers;
}

Result<RootUse> root_use(Store& store, std::string_view id, std::span<const RootedSetting* const> settings) {
  RootUse use;
  CLOISTER_TRY(const auto tenants, store.tenants());
  for (const TenantRecord& tenant : tenants) {
    std::uint64_t under = 0;
    for (const KekVersion& version : tenant.versions) {
      if (version.state != KeyState::kDestroyed && version.wrapped.key_id == id) ++under;
    }
    if (under != 0) use.tenants.push_back(tenant.name());
    use.kek_versions += under;
  }
  CLOISTER_RETURN_IF_ERROR(look_at_settings(store, id, settings, use));
  return use;
}

}  // namespace cloister::keys
