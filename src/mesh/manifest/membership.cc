// Which workloads are in which mesh, and what mutual TLS comes to for each.
#include <algorithm>

#include "mesh/manifest/audit_state.h"
#include "mesh/manifest/linkerd_policy.h"

namespace cloister::mesh {
namespace {

bool is_set_to(const YamlValue& value, std::string_view text) { return value.is_text() && value.text == text; }

Membership inside(std::string mesh) {
  Membership membership;
  membership.mesh = std::move(mesh);
  return membership;
}

Membership outside(const Workload& workload, const YamlValue& because_of, std::string because) {
  return {"none", std::move(because), workload.resource, because_of.line};
}

Membership outside_by_namespace(const AuditState& state, const Workload& workload, const YamlValue& because_of,
                                std::string because) {
  return {"none", std::move(because), state.namespaces.at(workload.name_space), because_of.line};
}

// What the injecting webhook does: the label before the annotation, and a namespace that is switched off before both.
std::optional<Membership> by_istio_sidecar(const AuditState& state, const Workload& workload) {
  const YamlValue& of_namespace = state.namespace_label(workload.name_space, "istio-injection");
  if (is_set_to(of_namespace, "disabled")) {
    return outside_by_namespace(state, workload, of_namespace, "its namespace has istio-injection: disabled");
  }
  const YamlValue& label = workload.label("sidecar.istio.io/inject");
  const YamlValue& asked = label.is_text() ? label : workload.annotation("sidecar.istio.io/inject");
  if (asked.truth() == false) return outside(workload, asked, "sidecar.istio.io/inject is \"false\"");
  const bool by_namespace =
      is_set_to(of_namespace, "enabled") || state.namespace_label(workload.name_space, "istio.io/rev").is_text();
  if (asked.truth() == true || by_namespace || workload.label("istio.io/rev").is_text()) return inside("istio");
  return std::nullopt;
}

std::optional<Membership> by_ambient(const AuditState& state, const Workload& workload) {
  constexpr std::string_view kLabel = "istio.io/dataplane-mode";
  const YamlValue& own = workload.label(kLabel);
  const YamlValue& of_namespace = state.namespace_label(workload.name_space, kLabel);
  if (is_set_to(own, "none")) return outside(workload, own, "istio.io/dataplane-mode is none");
  if (is_set_to(own, "ambient") || is_set_to(of_namespace, "ambient")) return inside("istio-ambient");
  if (is_set_to(of_namespace, "none")) {
    return outside_by_namespace(state, workload, of_namespace, "its namespace has istio.io/dataplane-mode: none");
  }
  return std::nullopt;
}

std::optional<Membership> by_linkerd(const AuditState& state, const Workload& workload) {
  constexpr std::string_view kAnnotation = "linkerd.io/inject";
  const YamlValue& own = workload.annotation(kAnnotation);
  const YamlValue& of_namespace = state.namespace_annotation(workload.name_space, kAnnotation);
  const YamlValue& asked = own.is_text() ? own : of_namespace;
  if (is_set_to(asked, "enabled") || is_set_to(asked, "ingress")) return inside("linkerd");
  if (is_set_to(own, "disabled")) return outside(workload, own, "linkerd.io/inject is disabled");
  if (is_set_to(of_namespace, "disabled")) {
    return outside_by_namespace(state, workload, of_namespace, "its namespace has linkerd.io/inject: disabled");
  }
  return std::nullopt;
}

std::optional<Membership> by_consul_or_kuma(const AuditState& state, const Workload& workload) {
  const YamlValue& consul = workload.annotation("consul.hashicorp.com/connect-inject");
  if (consul.truth() == true) return inside("consul");
  if (consul.truth() == false) return outside(workload, consul, "connect-inject is \"false\"");
  const YamlValue& label = workload.label("kuma.io/sidecar-injection");
  const YamlValue& own = label.is_text() ? label : workload.annotation("kuma.io/sidecar-injection");
  const YamlValue& of_namespace = state.namespace_label(workload.name_space, "kuma.io/sidecar-injection");
  const YamlValue& asked = own.is_text() ? own : of_namespace;
  if (is_set_to(asked, "enabled") || asked.truth() == true) return inside("kuma");
  if (own.is_text()) return outside(workload, own, "kuma.io/sidecar-injection is off");
  return std::nullopt;
}

bool any_mesh(const AuditState& state) {
  return state.istio != nullptr || state.linkerd != nullptr || state.consul != nullptr || state.kuma != nullptr;
}

Membership membership_of(const AuditState& state, const Workload& workload) {
  for (const auto decide : {by_istio_sidecar, by_ambient, by_linkerd, by_consul_or_kuma}) {
    auto decided = decide(state, workload);
    if (!decided) continue;
    // Rules that redirect a pod's traffic live in its own network namespace.
    if (decided->in_mesh() && workload.on_host_network()) {
      return outside(workload, workload.pod->at("hostNetwork"), "it uses the host's network");
    }
    return *decided;
  }
  Membership undecided = outside(workload, YamlValue(), "nothing puts it there");
  undecided.line = workload.resource->line;
  const bool told = state.namespaces.contains(workload.name_space) || workload.on_host_network();
  if (any_mesh(state) && !told) undecided.mesh = "unknown";
  return undecided;
}

std::string_view rule_of_outsiders(const AuditState& state, const Membership& membership) {
  if (membership.because.starts_with("connect-inject")) return "C5";
  if (membership.because.starts_with("kuma")) return "K4";
  if (membership.because.find("linkerd") != std::string::npos) return "L5";
  if (membership.because.find("istio") != std::string::npos || state.istio != nullptr) return "I7";
  if (state.linkerd != nullptr) return "L5";
  return state.consul != nullptr ? "C5" : "K4";
}

void report_outsider(AuditState& state, const Workload& workload, const Membership& membership) {
  const bool said_so = membership.because != "nothing puts it there";
  if (membership.mesh == "unknown") {
    state.add("M7", workload, workload.resource->line,
              "its namespace isn't among the manifests, and it says nothing itself");
  } else if (said_so || any_mesh(state)) {
    Finding finding{&rule(rule_of_outsiders(state, membership)),
                    Severity::kHigh,
                    membership.file_of->file,
                    membership.line,
                    shown(workload.subject()),
                    "not in the mesh: " + membership.because};
    state.findings.push_back(std::move(finding));
  }
}

std::string words_of(MtlsMode mode) {
  switch (mode) {
    case MtlsMode::kStrict: return "strict";
    case MtlsMode::kDisable: return "disabled";
    default: return "permissive";
  }
}

void istio_mode(const AuditState& state, const Workload& workload, WorkloadMode& mode) {
  const IstioProxy proxy = mode.mesh == "istio-ambient" ? IstioProxy::kNode : IstioProxy::kSidecar;
  const EffectiveMtls effective = state.peers.effective(workload.name_space, workload.metadata->at("labels"), proxy);
  mode.mode = words_of(effective.mode);
  for (const auto& [port, of_port] : effective.ports) mode.ports[port] = words_of(of_port);
  mode.because = effective.decided_by == nullptr ? "no PeerAuthentication" : effective.decided_by->resource->subject();
}

void kuma_mode(const AuditState& state, const Workload& workload, WorkloadMode& mode) {
  const YamlValue& own = workload.label("kuma.io/mesh");
  const YamlValue& name = own.is_text() ? own : state.namespace_label(workload.name_space, "kuma.io/mesh");
  const std::string mesh = name.is_text() ? name.text : "default";
  mode.mode = "unknown";
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is("kuma.io", "Mesh") || resource.name != mesh) continue;
    const YamlValue& mtls = resource.spec().at("mtls");
    mode.mode = mtls.at("enabledBackend").is_text() ? "strict" : "none";
    for (const YamlValue& backend : mtls.at("backends").items) {
      if (backend.at("name").text == mtls.at("enabledBackend").text && backend.at("mode").text == "PERMISSIVE") {
        mode.mode = "permissive";
      }
    }
    mode.because = resource.subject();
  }
}

WorkloadMode mode_of(const AuditState& state, const Workload& workload, const Membership& membership) {
  WorkloadMode mode;
  mode.file = workload.resource->file;
  mode.line = workload.resource->line;
  mode.name_space = workload.name_space;
  mode.kind = workload.resource->kind;
  mode.name = workload.resource->name;
  const std::string& account = workload.pod->at("serviceAccountName").text;
  mode.service_account = account.empty() ? "default" : account;
  mode.mesh = membership.mesh;
  mode.because = membership.because;
  mode.mode = membership.mesh == "none" ? "none" : "unknown";
  if (membership.mesh.starts_with("istio")) istio_mode(state, workload, mode);
  if (membership.mesh == "linkerd") linkerd_mode(state, workload, mode);
  if (membership.mesh == "kuma") kuma_mode(state, workload, mode);
  return mode;
}

}  // namespace

void find_memberships(AuditState& state) {
  for (const Workload& workload : state.workloads) {
    Membership membership = membership_of(state, workload);
    if (!membership.in_mesh() && !state.is_system_namespace(workload.name_space)) {
      report_outsider(state, workload, membership);
    }
    state.modes.push_back(mode_of(state, workload, membership));
    state.memberships.push_back(std::move(membership));
  }
  if (!state.workloads.empty() && !any_mesh(state) && state.cilium == nullptr) {
    const Workload& first = state.workloads.front();
    state.add("M2", first, first.resource->line,
              std::to_string(state.workloads.size()) + " workloads, and nothing of a mesh");
  }
}

bool is_covered(const AuditState& state, std::size_t index) {
  const WorkloadMode& mode = state.modes[index];
  return mode.mode == "strict" &&
         std::ranges::all_of(mode.ports, [](const auto& port) { return port.second == "strict"; });
}

void add_unless_covered(AuditState& state, std::string_view rule_id, std::size_t index, std::uint32_t line,
                        std::string what) {
  const bool covered = is_covered(state, index);
  if (covered) what += "; the mesh encrypts it between pods that are in it";
  state.add_as(covered ? Severity::kNote : rule(rule_id).severity, rule_id, state.workloads[index], line,
               std::move(what));
}

}  // namespace cloister::mesh
