// The audit of manifests: which links may carry plaintext, or peers that nobody verified, and which are enforced. What
// can't be seen in the manifests is a finding, too.
#pragma once

#include <map>

#include "base/clock.h"
#include "mesh/manifest/finding.h"
#include "mesh/manifest/workload.h"

namespace cloister::mesh {

struct AuditOptions {
  Time now;                                   // certificates are judged at this time
  std::string default_namespace = "default";  // of resources that name none
  std::string root_namespace;                 // of Istio; empty: as a mesh configuration says, else "istio-system"
};

// What the configuration comes to for one workload: evidence, where it is good as well.
struct WorkloadMode {
  std::string file;
  std::uint32_t line = 0;
  std::string name_space, kind, name;
  std::string service_account;               // by which meshes tell workloads apart
  std::string mesh;                          // "istio", "istio-ambient", "linkerd", "consul", "kuma", "none", "unknown"
  std::string mode;                          // "strict", "permissive", "disabled", "none", "unknown"
  std::map<std::string, std::string> ports;  // those that differ, and those that the manifests name
  std::string because;                       // which resource decided: "PeerAuthentication istio-system/default"
};

struct AuditReport {
  std::size_t files = 0;
  std::size_t resources = 0;      // those that were audited; other documents were passed over
  std::vector<Finding> findings;  // by file and line
  std::vector<WorkloadMode> workloads;
  std::vector<UnreadManifest> unread;  // each is a finding of rule M1 as well

  std::size_t count(Severity at_least) const;
};

AuditReport audit_manifests(const Manifests& manifests, const AuditOptions& options);

}  // namespace cloister::mesh
