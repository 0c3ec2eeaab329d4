#include "cloisterd/scheduler.h"

namespace cloister::daemon {

Duration Scheduler::rest() {
  const auto raw = crypto::random_array<2>(parts_.random);
  return Duration{parts_.check_every.ms + parts_.jitter.ms * (raw[0] << 8 | raw[1]) / 65536};
}

Duration Scheduler::tick() {
  const Status status = work({parts_.actor, parts_.clock()});
  if (!status.ok()) {
    parts_.metrics.rotation_failures.fetch_add(1);
    parts_.log.error("rotation-failed", {{"error", status.error().message()}});
    hierarchy_.reset();
  }
  return rest();
}

Status Scheduler::work(const keys::Caller& caller) {
  if (!hierarchy_) {
    CLOISTER_TRY(hierarchy_, parts_.open_hierarchy());
  }
  CLOISTER_TRY(const keys::DueRotations due, hierarchy_->rotate_due(caller));
  for (const std::string& tenant : due.rotated) parts_.log.info("kek-rotated", {{"tenant", tenant}});
  parts_.metrics.rotations.fetch_add(due.rotated.size());
  CLOISTER_RETURN_IF_ERROR(destroy_due(caller));
  CLOISTER_RETURN_IF_ERROR(do_managed_keys(caller));
  return due.failure ? Status(*due.failure) : Status();
}

Status Scheduler::do_managed_keys(const keys::Caller& caller) {
  if (parts_.managed_keys == nullptr) return {};
  CLOISTER_TRY(const auto due, parts_.managed_keys->do_due(*hierarchy_, caller));
  for (const std::string& name : due.rotated) parts_.log.info("dataset-key-rotated", {{"dataset", name}});
  for (const std::string& name : due.destroyed) parts_.log.warning("dataset-destroyed", {{"dataset", name}});
  parts_.metrics.rotations.fetch_add(due.rotated.size());
  parts_.metrics.destructions.fetch_add(due.destroyed.size());
  return due.failure ? Status(*due.failure) : Status();
}

Status Scheduler::destroy_due(const keys::Caller& caller) {
  CLOISTER_TRY(const auto tenants, hierarchy_->store().tenants());
  std::optional<Error> first;
  for (const keys::TenantRecord& tenant : tenants) {
    for (const keys::KekVersion& version : tenant.versions) {
      const bool is_due = version.state == keys::KeyState::kDestructionScheduled && version.destroy_at &&
                          *version.destroy_at <= caller.now;
      if (!is_due) continue;
      const auto destroyed = hierarchy_->destroy_kek({tenant.tenant, tenant.environment}, version.version, caller);
      if (destroyed.ok()) {
        parts_.metrics.destructions.fetch_add(1);
        parts_.log.warning("kek-destroyed", {{"tenant", tenant.name()}, {"version", std::uint64_t{version.version}}});
      } else if (destroyed.error().code() != Code::kDenied && !first) {
        // kDenied: another server, or a person, was faster.
        first = Error(destroyed.error()).with_context("destroy a KEK version of " + tenant.name());
      }
    }
  }
  return first ? Status(*first) : Status();
}

}  // namespace cloister::daemon
