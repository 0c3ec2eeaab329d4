// What a Detector holds. For detector.cc and snapshot.cc.
#pragma once

#include <memory>

#include "audit/anomaly/detector.h"
#include "audit/anomaly/names.h"
#include "audit/anomaly/tenant_state.h"

namespace cloister::audit::anomaly {

struct Detector::State {
  struct TenantSlot {
    std::uint64_t id = 0;
    std::unique_ptr<Tenant> tenant;
  };

  State(const Thresholds& with_thresholds, const Limits& with_limits, std::uint64_t seed)
      : thresholds(with_thresholds), limits(with_limits), names(seed), tenants(with_limits.tenants) {}

  Tenant& tenant_of(std::string_view name);
  // The same, at this time: its clock starts with the first event and doesn't go back.
  Tenant& tenant_at(std::string_view name, Time now);

  Thresholds thresholds;
  Limits limits;
  Names names;
  BoundedTable<TenantSlot> tenants;
};

}  // namespace cloister::audit::anomaly
