#include "service/known_tenants.h"

namespace cloister::service {

Status KnownTenants::load(const std::function<Result<keys::Store>()>& open_store) {
  CLOISTER_TRY(keys::Store store, open_store());
  return refresh(store);
}

Status KnownTenants::refresh(keys::Store& store) {
  CLOISTER_TRY(const auto tenants, store.tenants());
  std::set<std::string> names;
  for (const keys::TenantRecord& tenant : tenants) names.insert(tenant.tenant);
  const std::lock_guard lock(mutex_);
  names_.swap(names);
  return {};
}

bool KnownTenants::refresh_due(Time now) {
  const std::lock_guard lock(mutex_);
  if (now < refreshed_ + seconds(10)) return false;
  refreshed_ = now;
  return true;
}

void KnownTenants::add(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  names_.insert(tenant);
}

bool KnownTenants::has(const std::string& tenant) const {
  const std::lock_guard lock(mutex_);
  return names_.contains(tenant);
}

}  // namespace cloister::service
