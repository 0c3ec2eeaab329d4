#include "service/unlocked_keyrings.h"

#include <algorithm>

namespace cloister::service {
namespace {

constexpr int kLooksMax = 5;

}  // namespace

Result<std::shared_ptr<const CachedKeyring>> UnlockedKeyrings::get(const Call& call, const keys::DatasetName& dataset,
                                                                   keys::Hierarchy* hierarchy) {
  const std::string name = dataset.text();
  std::shared_ptr<const CachedKeyring> keyring = cache_.find(name);
  if (keyring != nullptr || hierarchy == nullptr) return keyring;
  CLOISTER_TRY(keyring, unlock(call, dataset, *hierarchy));
  cache_.put(name, keyring);
  return keyring;
}

std::function<void()> UnlockedKeyrings::outdated(const keys::DatasetName& dataset,
                                                 std::shared_ptr<const CachedKeyring> keyring) {
  return [this, name = dataset.text(), keyring = std::move(keyring)] { cache_.drop(name, keyring.get()); };
}

// The keyring, and the rows it was unlocked from.
Result<std::shared_ptr<const CachedKeyring>> UnlockedKeyrings::unlock(const Call& call, const keys::DatasetName& name,
                                                                      keys::Hierarchy& hierarchy) {
  keys::Store& store = hierarchy.store();
  for (int look = 0; look < kLooksMax; ++look) {
    CLOISTER_TRY(const auto dataset, store.dataset(name.tenant, name.environment, name.dataset));
    CLOISTER_TRY(const auto tenant, store.tenant(name.tenant, name.environment));
    CLOISTER_TRY(const seal::Keyring keyring,
                 hierarchy.unlock_keyring(name, policy::operation_name(*call.route->operation), call.as_caller()));
    CLOISTER_TRY(const auto dataset_after, store.dataset(name.tenant, name.environment, name.dataset));
    CLOISTER_TRY(const auto tenant_after, store.tenant(name.tenant, name.environment));
    if (dataset.row_version != dataset_after.row_version || tenant.row_version != tenant_after.row_version) continue;
    auto cached = std::make_shared<CachedKeyring>();
    cached->keyring_id = to_hex(keyring.outline().keyring_id);
    CLOISTER_TRY(cached->wrapper, seal::KeyringWrapper::create(keyring, *random_));
    for (const seal::DatasetKeyEntry& entry : keyring.outline().keys) {
      cached->versions.emplace_back(entry.version, entry.state);
    }
    std::ranges::sort(cached->versions);
    cached->seen = {{name.tenant, name.environment, "", tenant.row_version},
                    {name.tenant, name.environment, name.dataset, dataset.row_version}};
    return std::shared_ptr<const CachedKeyring>(std::move(cached));
  }
  return Error(Code::kUnavailable, "the keys of " + name.text() + " are changed faster than they can be read");
}

std::optional<Problem> refusal_of_version(const CachedKeyring& keyring, std::uint32_t version,
                                          const std::string& name) {
  const auto found = std::ranges::lower_bound(keyring.versions, version, {}, [](const auto& v) { return v.first; });
  const auto subject = [&] { return "version " + std::to_string(version) + " of " + name; };
  if (found == keyring.versions.end() || found->first != version) {
    return Problem{ProblemCode::kKeyVersionUnknown, "there is no " + subject()};
  }
  if (found->second == seal::DatasetKeyState::kDisabled) {
    return Problem{ProblemCode::kKeyVersionDisabled, subject() + " is disabled"};
  }
  if (found->second == seal::DatasetKeyState::kDestroyed) {
    return Problem{ProblemCode::kKeyVersionDestroyed, subject() + " is destroyed"};
  }
  return std::nullopt;
}

}  // namespace cloister::service
