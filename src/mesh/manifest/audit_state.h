// What the rules of the audit share: the manifests in views, and the findings so far.
#pragma once

#include <set>

#include "mesh/manifest/audit.h"
#include "mesh/manifest/peer_authentication.h"

namespace cloister::mesh {

// Whose sidecar or node proxy stands before a workload, as far as the manifests tell.
struct Membership {
  std::string mesh = "none";  // as in WorkloadMode
  std::string because;        // why it isn't in one, or why that isn't known
  const Resource* file_of = nullptr;
  std::uint32_t line = 0;
  bool in_mesh() const { return mesh != "none" && mesh != "unknown"; }
};

struct AuditState {
  AuditState(const Manifests& all, const AuditOptions& given);
  AuditState(const AuditState&) = delete;
  AuditState& operator=(const AuditState&) = delete;

  const Manifests& manifests;
  const AuditOptions& options;
  std::vector<Workload> workloads;
  // Configuration that is no resource: documents without a kind (a chart's values), and YAML in ConfigMaps.
  std::vector<Resource> settings;
  std::map<std::string, const Resource*> namespaces;
  std::string root_namespace;
  PeerAuthentications peers;
  // The first resource that speaks of it; null where none does.
  const Resource* istio = nullptr;
  const Resource* linkerd = nullptr;
  const Resource* consul = nullptr;
  const Resource* kuma = nullptr;
  const Resource* cilium = nullptr;
  std::vector<Membership> memberships;  // one for each workload
  std::vector<WorkloadMode> modes;      // one for each workload
  std::vector<Finding> findings;

  std::string namespace_of(const Resource& resource) const {
    return resource.name_space.empty() ? options.default_namespace : resource.name_space;
  }
  const YamlValue& namespace_label(const std::string& name, std::string_view label) const;
  const YamlValue& namespace_annotation(const std::string& name, std::string_view annotation) const;
  // The first setting at `path` of a document that has it; null inside where none does. `holder`, where given, is set
  // to the document.
  const YamlValue& setting(std::string_view path, const Resource** holder = nullptr) const;
  // A component of the mesh or of Kubernetes itself: not injected, and not expected to be.
  bool is_system_namespace(const std::string& name) const;

  void add(std::string_view rule_id, const Resource& resource, std::uint32_t line, std::string what);
  void add(std::string_view rule_id, const Workload& workload, std::uint32_t line, std::string what);
  // The same, of another severity than the rule's: what a strict mesh covers is worth a note only.
  void add_as(Severity severity, std::string_view rule_id, const Workload& workload, std::uint32_t line,
              std::string what);
};

// Each looks for the findings of one family of rules.
void find_memberships(AuditState& state);  // first: I7, L5, M2, M7 and the workloads' modes
void audit_istio_policies(AuditState& state);
void audit_istio_traffic(AuditState& state);
void audit_istio_bypasses(AuditState& state);
void audit_linkerd(AuditState& state);
void audit_app_mesh(AuditState& state);
void audit_other_meshes(AuditState& state);
void audit_plain_entrances(AuditState& state);
void audit_inference(AuditState& state);
void audit_stores(AuditState& state);
void audit_envoy(AuditState& state);  // in ../proxy_config

// The mesh of the workload at `index` refuses plaintext on all its ports.
bool is_covered(const AuditState& state, std::size_t index);
// A finding about a link of its own, which is a note only where the mesh covers it.
void add_unless_covered(AuditState& state, std::string_view rule_id, std::size_t index, std::uint32_t line,
                        std::string what);

// Text of a manifest as part of a finding: one line, printable, not endless.
std::string shown(std::string_view text);
// "a, b ; c" cut at commas, blanks around taken off, empty ones left out.
std::vector<std::string> list_of(std::string_view text, char separator = ',');
bool contains_ignoring_case(std::string_view text, std::string_view part);
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace cloister::mesh
