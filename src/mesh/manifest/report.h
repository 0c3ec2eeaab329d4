// An audit's report as JSON for programs, and as SARIF 2.1.0 for whatever shows findings beside source text.
#pragma once

#include "base/json.h"
#include "mesh/manifest/audit.h"

namespace cloister::mesh {

// docs/mesh-configuration.md has its shape: "cloister-mesh-audit/1".
JsonValue to_json(const AuditReport& report, Time now);
JsonValue to_sarif(const AuditReport& report, const std::string& program_version);

}  // namespace cloister::mesh
