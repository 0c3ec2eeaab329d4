// How much of something there may be at once, in all or by name.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace cloister::mesh {

// Any thread. A taken place is given back when the object that stands for it goes.
class Quota {
 public:
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : quota_(std::exchange(other.quota_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      reset();
      quota_ = std::exchange(other.quota_, nullptr);
      return *this;
    }
    ~Place() { reset(); }
    explicit operator bool() const { return quota_ != nullptr; }
    void reset() {
      if (quota_ != nullptr) std::exchange(quota_, nullptr)->taken_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class Quota;
    explicit Place(Quota* quota) : quota_(quota) {}
    Quota* quota_ = nullptr;
  };

  // Empty when `max` are taken.
  Place take(std::uint32_t max) {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < max) return Place(this);
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return Place();
  }
  std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> taken_{0};
};

class NamedQuota {
 public:
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : quota_(std::exchange(other.quota_, nullptr)), entry_(other.entry_) {}
    Place& operator=(Place&& other) noexcept {
      reset();
      quota_ = std::exchange(other.quota_, nullptr);
      entry_ = other.entry_;
      return *this;
    }
    ~Place() { reset(); }
    explicit operator bool() const { return quota_ != nullptr; }
    void reset() {
      if (quota_ != nullptr) std::exchange(quota_, nullptr)->give_back(*entry_);
    }

   private:
    friend class NamedQuota;
    using Entry = std::pair<const std::string, std::uint32_t>;
    Place(NamedQuota* quota, Entry* entry) : quota_(quota), entry_(entry) {}
    NamedQuota* quota_ = nullptr;
    Entry* entry_ = nullptr;  // an unordered_map's entries stay where they are
  };

  // Empty when that name has `max` already.
  Place take(const std::string& name, std::uint32_t max) {
    const std::scoped_lock lock(mutex_);
    auto& entry = *taken_.try_emplace(name, 0).first;
    if (entry.second >= max) return Place();
    ++entry.second;
    return Place(this, &entry);
  }

 private:
  void give_back(Place::Entry& entry) {
    const std::scoped_lock lock(mutex_);
    if (--entry.second == 0) taken_.erase(entry.first);
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> taken_;
};

}  // namespace cloister::mesh
