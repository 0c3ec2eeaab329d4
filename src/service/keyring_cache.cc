#include "service/keyring_cache.h"

namespace cloister::service {

std::uint32_t primary_version(const CachedKeyring& keyring) {
  for (const auto& [version, state] : keyring.versions) {
    if (state == seal::DatasetKeyState::kPrimary) return version;
  }
  return 0;
}

std::shared_ptr<const CachedKeyring> KeyringCache::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->keyring;
}

void KeyringCache::put(const std::string& name, std::shared_ptr<const CachedKeyring> keyring) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) remove(found->second);
  keys_ += keyring->versions.size();
  by_use_.push_front({name, std::move(keyring)});
  by_name_[name] = by_use_.begin();
  while (by_use_.size() > keyrings_max_ || (keys_ > kKeysMax && by_use_.size() > 1)) remove(std::prev(by_use_.end()));
}

void KeyringCache::drop(const std::string& name, const CachedKeyring* keyring) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found != by_name_.end() && found->second->keyring.get() == keyring) remove(found->second);
}

std::size_t KeyringCache::size() const {
  const std::lock_guard lock(mutex_);
  return by_use_.size();
}

void KeyringCache::remove(std::list<Entry>::iterator entry) {
  keys_ -= entry->keyring->versions.size();
  by_name_.erase(entry->name);
  by_use_.erase(entry);
}

}  // namespace cloister::service
