// Registration entries, to be asked which of them a caller matches.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mesh/registration/attestor.h"
#include "mesh/registration/entry.h"

namespace cloister::mesh {

// Immutable.
class EntryTable {
 public:
  EntryTable() = default;
  explicit EntryTable(std::vector<RegistrationEntry> entries);
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;

  // The oldest first: what a workload's default identity is doesn't change when another is added.
  const std::vector<RegistrationEntry>& all() const { return entries_; }
  // Valid at `now`, in the same order; they live as long as the table.
  std::vector<const RegistrationEntry*> matching(const std::set<Selector>& caller, Time now) const;
  const RegistrationEntry* find(const std::string& id) const;
  // What has to be looked at for all of them to be judged.
  AttestWith attest_with() const { return attest_with_; }

 private:
  std::vector<RegistrationEntry> entries_;
  std::map<Selector, std::vector<std::size_t>> by_selector_;  // each under one of its selectors
  std::map<std::string, std::size_t> by_id_;
  AttestWith attest_with_;
};

}  // namespace cloister::mesh
