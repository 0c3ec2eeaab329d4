// Keyrings that requests work with: from the cache, or unlocked by a worker. One for the whole service.
#pragma once

#include "crypto/random.h"
#include "service/keyring_cache.h"
#include "service/route.h"

namespace cloister::service {

// Any thread may call.
class UnlockedKeyrings {
 public:
  // `random` outlives it.
  UnlockedKeyrings(std::size_t keyrings_max, crypto::Random& random) : random_(&random), cache_(keyrings_max) {}

  // Of the call's dataset. Null when it would have to be unlocked and `hierarchy` is null: answer Reply::to_worker().
  // The unlocking is a record of its own, under the operation of the call's route. Errors as
  // Hierarchy::unlock_keyring(). Whoever uses the keyring names its `seen` in the Reply, and outdated() as its
  // `outdated`.
  Result<std::shared_ptr<const CachedKeyring>> get(const Call& call, keys::Hierarchy* hierarchy) {
    return get(call, call.target.dataset_name(), hierarchy);
  }
  std::function<void()> outdated(const Call& call, std::shared_ptr<const CachedKeyring> keyring) {
    return outdated(call.target.dataset_name(), std::move(keyring));
  }
  // The same of another dataset that the call is about too.
  Result<std::shared_ptr<const CachedKeyring>> get(const Call& call, const keys::DatasetName& dataset,
                                                   keys::Hierarchy* hierarchy);
  std::function<void()> outdated(const keys::DatasetName& dataset, std::shared_ptr<const CachedKeyring> keyring);

  crypto::Random& random() const { return *random_; }
  std::size_t size() const { return cache_.size(); }

 private:
  Result<std::shared_ptr<const CachedKeyring>> unlock(const Call& call, const keys::DatasetName& name,
                                                      keys::Hierarchy& hierarchy);

  crypto::Random* const random_;
  KeyringCache cache_;
};

// What stands in the way of opening with that version; nothing where it may be used. `name` is the dataset's.
std::optional<Problem> refusal_of_version(const CachedKeyring& keyring, std::uint32_t version, const std::string& name);

}  // namespace cloister::service
