// Configuration of a mesh that refuses plaintext and lets in only who the plan names.
#pragma once

#include "mesh/manifest/plan.h"

namespace cloister::mesh {

enum class IstioKind : std::uint8_t { kSidecar, kAmbient };

// Kubernetes manifests, one YAML text, in an order in which they can be applied. The audit finds nothing in them.
// Namespaces are written with the labels that put their workloads in the mesh; what isn't named can't be called.
std::string write_istio(const MeshPlan& plan, IstioKind kind);
// Values for the chart istiod: what is the whole mesh's.
std::string write_istio_values(const MeshPlan& plan);

// Callers of other trust domains are named by their SPIFFE IDs, which Linkerd takes from its external workloads.
std::string write_linkerd(const MeshPlan& plan);
// Values for the chart linkerd-control-plane.
std::string write_linkerd_values(const MeshPlan& plan);

// Consul on Kubernetes: the mesh's and the proxies' defaults, each service's, and its intentions. Callers are named by
// the service account, which Consul takes for the service's name: those of other trust domains aren't written.
std::string write_consul(const MeshPlan& plan);

}  // namespace cloister::mesh
