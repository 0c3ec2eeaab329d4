#include "service/attestation/leases.h"

namespace cloister::service {

void Leases::add(Lease lease, Time now) {
  const std::lock_guard lock(mutex_);
  while (!by_end_.empty() && (by_end_.begin()->first <= now || by_id_.size() >= kMax)) {
    by_id_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  by_end_.emplace(lease.expires, lease.id);
  std::string id = lease.id;
  by_id_.insert_or_assign(std::move(id), std::move(lease));
}

std::optional<Lease> Leases::find(const std::string& id, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.expires <= now) return std::nullopt;
  return found->second;
}

std::size_t Leases::size() const {
  const std::lock_guard lock(mutex_);
  return by_id_.size();
}

}  // namespace cloister::service
