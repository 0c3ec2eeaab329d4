#include "kms/lease_cache.h"

#include <algorithm>

namespace cloister::kms {
namespace {

const auto by_end = [](const auto& a, const auto& b) { return a.second.until < b.second.until; };

}  // namespace

LeaseCache::LeaseCache(std::size_t keys_max) : keys_max_(std::max<std::size_t>(keys_max, 1)) {
  wiper_ = std::thread([this] { wipe_expired(); });
}

LeaseCache::~LeaseCache() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    keys_.clear();
  }
  changed_.notify_all();
  wiper_.join();
}

void LeaseCache::put(const Name& name, std::uint32_t version, crypto::KeyMaterial key, Duration lease) {
  if (lease <= Duration{}) return;
  const Instant until = std::chrono::steady_clock::now() + std::chrono::milliseconds(lease.ms);
  {
    const std::lock_guard lock(mutex_);
    keys_.erase(name);
    if (keys_.size() >= keys_max_) keys_.erase(std::ranges::min_element(keys_, by_end));
    keys_.emplace(name, Leased{version, until, std::move(key)});
  }
  changed_.notify_all();
}

std::optional<crypto::KeyMaterial> LeaseCache::find(const Name& name) {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(name);
  if (found == keys_.end() || found->second.until <= std::chrono::steady_clock::now()) return std::nullopt;
  return found->second.key.duplicate();
}

void LeaseCache::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
}

std::size_t LeaseCache::size() const {
  const std::lock_guard lock(mutex_);
  return keys_.size();
}

void LeaseCache::wipe_expired() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (keys_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Instant next = std::ranges::min_element(keys_, by_end)->second.until;
    changed_.wait_until(lock, next);
    const Instant now = std::chrono::steady_clock::now();
    std::erase_if(keys_, [now](const auto& entry) { return entry.second.until <= now; });
  }
}

}  // namespace cloister::kms
