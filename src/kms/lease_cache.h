// Data keys that a key service handed out for a while: kept in locked memory until their lease ends, wiped then whether
// or not anybody asks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace cloister::kms {

// Any thread may call.
class LeaseCache {
 public:
  // What a key was asked for with: the wrapped key and its whole context.
  using Name = crypto::Sha256Digest;

  // At most `keys_max`: a new one takes the place of the one whose lease ends first.
  explicit LeaseCache(std::size_t keys_max = 4096);
  ~LeaseCache();
  LeaseCache(const LeaseCache&) = delete;
  LeaseCache& operator=(const LeaseCache&) = delete;

  // A lease that is not positive keeps nothing. `version` is the dataset key version the key is wrapped by.
  void put(const Name& name, std::uint32_t version, crypto::KeyMaterial key, Duration lease);
  // Nothing once the lease is over.
  std::optional<crypto::KeyMaterial> find(const Name& name);
  // Forgets the keys wrapped by a version that isn't usable any more.
  template <typename Usable>
  void keep_if(const Usable& usable) {
    const std::lock_guard lock(mutex_);
    std::erase_if(keys_, [&](const auto& entry) { return !usable(entry.second.version); });
  }
  void clear();
  std::size_t size() const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Leased {
    std::uint32_t version = 0;
    Instant until;
    crypto::KeyMaterial key;
  };
  void wipe_expired();  // runs on wiper_ until stopping_

  const std::size_t keys_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Name, Leased> keys_;
  bool stopping_ = false;
  std::thread wiper_;
};

}  // namespace cloister::kms
