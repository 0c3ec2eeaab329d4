// Keyrings that were unlocked, each with the rows of the store it was unlocked from: a use is recorded only while those
// rows are still the same.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "keys/store.h"
#include "seal/keyring.h"

namespace cloister::service {

struct CachedKeyring {
  std::string keyring_id;  // 32 hexadecimal digits: the key id of its wraps
  std::unique_ptr<seal::KeyringWrapper> wrapper;
  std::vector<std::pair<std::uint32_t, seal::DatasetKeyState>> versions;  // ascending
  std::vector<keys::RowVersion> seen;                                     // the tenant's row and the dataset's
};

// The version that new wraps are under.
std::uint32_t primary_version(const CachedKeyring& keyring);

// The least recently used go first. Any thread may call.
class KeyringCache {
 public:
  // Bounded in keyrings and in keys, which all lie in the one secure memory of the process.
  static constexpr std::size_t kKeysMax = 32'768;
  explicit KeyringCache(std::size_t keyrings_max) : keyrings_max_(keyrings_max) {}

  // Null when it isn't there. `name` is the dataset's: "acme/production/mnist".
  std::shared_ptr<const CachedKeyring> find(const std::string& name);
  void put(const std::string& name, std::shared_ptr<const CachedKeyring> keyring);
  // Unless another was put in its place already.
  void drop(const std::string& name, const CachedKeyring* keyring);
  std::size_t size() const;

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const CachedKeyring> keyring;
  };
  void remove(std::list<Entry>::iterator entry);

  const std::size_t keyrings_max_;
  mutable std::mutex mutex_;
  std::list<Entry> by_use_;  // the most recent first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_name_;
  std::size_t keys_ = 0;
};

}  // namespace cloister::service
