// Who may call whom, in a small TOML file, from which configuration of a mesh is written.
#pragma once

#include "identity/spiffe_id.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cloister::mesh {

inline constexpr std::size_t kPlanServicesMax = 1000;

// A caller by its SPIFFE ID, and by its service account where it has one.
struct PlanCaller {
  identity::SpiffeId id;
  std::optional<std::pair<std::string, std::string>> service_account;  // namespace and name
};

struct PlanService {
  std::string name, name_space, service_account;
  std::map<std::string, std::string> labels;  // of its pods
  std::vector<std::uint16_t> ports;           // that the pods listen on
  std::vector<PlanCaller> callers;            // empty: nobody
};

// A host outside the mesh that workloads may open TLS to.
struct PlanExternal {
  std::string host;
  std::uint16_t port;
};

struct MeshPlan {
  std::string trust_domain, root_namespace;
  std::vector<PlanService> services;
  std::vector<PlanExternal> externals;
};

// docs/mesh-configuration.md describes the file. kInvalid, with the line, for what isn't one: names that Kubernetes
// doesn't take, ports out of range, a service twice, a caller that is neither NAMESPACE/ACCOUNT nor a SPIFFE ID.
Result<MeshPlan> parse_mesh_plan(std::string_view text);

}  // namespace cloister::mesh
