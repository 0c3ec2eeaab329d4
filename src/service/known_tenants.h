// Which tenants there are: a refused request for any other name belongs to no tenant's audit tree.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "keys/store.h"

namespace cloister::service {

// Any thread may call; load() and refresh() read the store.
class KnownTenants {
 public:
  Status load(const std::function<Result<keys::Store>()>& open_store);
  Status refresh(keys::Store& store);
  // True at most every ten seconds, for whoever then refreshes: another replica may have made a tenant.
  bool refresh_due(Time now);
  void add(const std::string& tenant);
  // False for the empty name.
  bool has(const std::string& tenant) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
  Time refreshed_;
};

}  // namespace cloister::service
