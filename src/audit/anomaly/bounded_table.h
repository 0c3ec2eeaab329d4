// A table that never grows past its limit: what was looked at longest ago makes room.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace cloister::audit::anomaly {

// Entry is default-constructible and has a `std::uint64_t id`, already well mixed (names.h) and never 0. find, insert
// and eviction take constant time; growth copies, so a reference lasts until the next insert. One thread at a time.
template <typename Entry>
class BoundedTable {
 public:
  explicit BoundedTable(std::size_t limit) : limit_(limit) { CLOISTER_CHECK(limit > 0 && limit < kNone); }

  std::size_t size() const { return nodes_.size(); }
  std::size_t limit() const { return limit_; }
  std::uint64_t evictions() const { return evictions_; }

  // nullptr when it isn't there. Finding an entry makes it the most recent.
  Entry* find(std::uint64_t id) {
    const std::uint32_t slot = slot_of(id);
    if (slot == kNone) return nullptr;
    unlink(slot);
    link_newest(slot);
    return &nodes_[slot].entry;
  }

  // Without making it recent.
  const Entry* peek(std::uint64_t id) const {
    const std::uint32_t slot = slot_of(id);
    return slot == kNone ? nullptr : &nodes_[slot].entry;
  }

  struct Found {
    Entry* entry;
    bool is_new;
  };
  Found find_or_insert(std::uint64_t id) {
    if (Entry* entry = find(id)) return {entry, false};
    return {&insert(id), true};
  }

  // `id` isn't in the table yet.
  Entry& insert(std::uint64_t id) {
    std::uint32_t slot;
    if (nodes_.size() < limit_) {
      if ((nodes_.size() + 1) * 2 > index_.size()) grow_index();
      slot = static_cast<std::uint32_t>(nodes_.size());
      if (nodes_.size() == nodes_.capacity()) nodes_.reserve(std::min(limit_, std::max(kSizeFirst, 2 * nodes_.size())));
      nodes_.emplace_back();
    } else {
      slot = oldest_;
      unlink(slot);
      forget(nodes_[slot].entry.id);
      nodes_[slot].entry = Entry();
      ++evictions_;
    }
    nodes_[slot].entry.id = id;
    put_into_index(slot);
    link_newest(slot);
    return nodes_[slot].entry;
  }

  // From the least to the most recent: inserted in this order, a second table behaves as this one.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t slot = oldest_; slot != kNone; slot = nodes_[slot].newer) visit(nodes_[slot].entry);
  }

  // What a table of this limit occupies when it is full.
  static std::size_t bytes_max(std::size_t limit) {
    return limit * sizeof(Node) + std::bit_ceil(std::max(kSizeFirst, 2 * limit)) * sizeof(std::uint32_t);
  }

  void set_evictions(std::uint64_t evictions) { evictions_ = evictions; }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::size_t kSizeFirst = 16;
  struct Node {
    Entry entry;
    std::uint32_t older = kNone, newer = kNone;
  };

  std::size_t home_of(std::uint64_t id) const { return id & (index_.size() - 1); }

  std::size_t place_of(std::uint64_t id) const {
    std::size_t place = home_of(id);
    while (index_[place] != kNone && nodes_[index_[place]].entry.id != id) place = (place + 1) & (index_.size() - 1);
    return place;
  }
  std::uint32_t slot_of(std::uint64_t id) const { return index_.empty() ? kNone : index_[place_of(id)]; }
  void put_into_index(std::uint32_t slot) { index_[place_of(nodes_[slot].entry.id)] = slot; }

  void grow_index() {
    index_.assign(index_.empty() ? kSizeFirst : index_.size() * 2, kNone);
    for (std::uint32_t slot = 0; slot < nodes_.size(); ++slot) put_into_index(slot);
  }

  // Linear probing without tombstones: what stood behind the hole moves up into it.
  void forget(std::uint64_t id) {
    const std::size_t mask = index_.size() - 1;
    std::size_t hole = place_of(id);
    for (std::size_t next = (hole + 1) & mask; index_[next] != kNone; next = (next + 1) & mask) {
      const std::size_t home = home_of(nodes_[index_[next]].entry.id);
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      index_[hole] = index_[next];
      hole = next;
    }
    index_[hole] = kNone;
  }

  void unlink(std::uint32_t slot) {
    const Node& node = nodes_[slot];
    (node.older == kNone ? oldest_ : nodes_[node.older].newer) = node.newer;
    (node.newer == kNone ? newest_ : nodes_[node.newer].older) = node.older;
  }

  void link_newest(std::uint32_t slot) {
    nodes_[slot].older = newest_;
    nodes_[slot].newer = kNone;
    (newest_ == kNone ? oldest_ : nodes_[newest_].newer) = slot;
    newest_ = slot;
  }

  std::size_t limit_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> index_;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
  std::uint64_t evictions_ = 0;
};

}  // namespace cloister::audit::anomaly
