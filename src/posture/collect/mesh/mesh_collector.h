// What a service mesh makes of each workload: from `cloister mesh audit --json`, what its manifests come to, and from
// `cloister scan --json`, what its ports do. Files; nothing is asked.
#pragma once

#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

inline constexpr std::string_view kMeshCollector = "mesh/1";

// One workload as an audit of manifests has it.
struct MeshedWorkload {
  std::string name;       // "namespace/name", as the estate's components have it
  std::string account;    // "namespace/service account"; empty: the audit doesn't say
  std::string mode;       // the worst of all its ports: "strict", "permissive", "disabled", "none", "unknown"
  bool bypassed = false;  // plaintext is led around its proxy
};
struct MeshAudit {
  Time at;
  std::vector<MeshedWorkload> workloads;
  bool whole = true;  // every manifest was read
};
// kInvalid for what isn't a result of `cloister mesh audit --json`.
Result<MeshAudit> parse_mesh_audit(std::string_view json);

// One `mesh.policy` for each declared workload that an audit or a scan by the profile mesh-workload speaks of. What
// neither says is left out, and what is good where an audit lacks one of its workloads. A port belongs to the component
// that its address is of. A certificate was seen to be renewed where a later scan shows a newer one, and not to be
// where one had expired.
class MeshCollector final : public Collector {
 public:
  MeshCollector(std::vector<InputFile> audits, std::vector<InputFile> scans)
      : audits_(std::move(audits)), scans_(std::move(scans)) {}
  std::string_view name() const override { return kMeshCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> audits_, scans_;
};

}  // namespace cloister::posture
