// What Linkerd's inbound policy comes to for a workload.
#pragma once

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {

// "all-unauthenticated", "audit" and their like; unknown words too.
bool admits_unauthenticated(std::string_view policy);

// The policy that holds where no Server says otherwise: the pod's annotation before its namespace's before the
// cluster's before Linkerd's own default.
struct LinkerdDefault {
  std::string policy = "all-unauthenticated";
  std::string because = "Linkerd's default";
};
LinkerdDefault linkerd_default(const AuditState& state, const Workload& workload);

// Whether an AuthorizationPolicy lets somebody in who shows no certificate.
bool admits_without_tls(const AuditState& state, const Resource& policy);

void linkerd_mode(const AuditState& state, const Workload& workload, WorkloadMode& mode);

}  // namespace cloister::mesh
