// Results of `cloister mesh audit --json` as evidence: what the manifests let through to each workload.
#pragma once

#include <string_view>
#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

inline constexpr std::string_view kMeshAuditFormat = "cloister-mesh-audit/1";

// A workload outside of every mesh, or whose mode isn't known, states nothing. kInvalid for what isn't such a result.
Result<std::vector<Statement>> parse_mesh_audit(std::string_view json);

}  // namespace cloister::probe::path
