#include "mesh/registration/entry_table.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

// Those that half of a machine has: an entry is found faster by another of its selectors.
bool is_common(const Selector& selector) {
  return selector.type == "unix" && (selector.value.starts_with("uid:") || selector.value.starts_with("gid:"));
}

const Selector& rarest(const RegistrationEntry& entry) {
  const auto found = std::ranges::find_if_not(entry.selectors, is_common);
  return found == entry.selectors.end() ? entry.selectors.front() : *found;
}

}  // namespace

EntryTable::EntryTable(std::vector<RegistrationEntry> entries) : entries_(std::move(entries)) {
  std::ranges::sort(entries_, [](const RegistrationEntry& a, const RegistrationEntry& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const RegistrationEntry& entry = entries_[i];
    CLOISTER_CHECK(!entry.selectors.empty());
    by_selector_[rarest(entry)].push_back(i);
    by_id_.emplace(entry.id, i);
    for (const Selector& selector : entry.selectors) {
      if (selector.type != "unix") continue;
      const std::string& value = selector.value;
      attest_with_.digest = attest_with_.digest || value.starts_with("sha256:");
      attest_with_.names = attest_with_.names || value.starts_with("user:") || value.starts_with("group:") ||
                           value.starts_with("supplementary_group:");
    }
  }
}

std::vector<const RegistrationEntry*> EntryTable::matching(const std::set<Selector>& caller, Time now) const {
  std::vector<std::size_t> found;
  for (const Selector& selector : caller) {
    const auto at = by_selector_.find(selector);
    if (at == by_selector_.end()) continue;
    for (const std::size_t i : at->second) {
      if (entries_[i].is_valid(now) && entries_[i].matches(caller)) found.push_back(i);
    }
  }
  std::ranges::sort(found);
  std::vector<const RegistrationEntry*> matching;
  for (const std::size_t i : found) matching.push_back(&entries_[i]);
  return matching;
}

const RegistrationEntry* EntryTable::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

}  // namespace cloister::mesh
