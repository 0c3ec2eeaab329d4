// C, N and K: Consul, Cilium and Kuma.
#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

void audit_consul_mesh(AuditState& state, const Resource& mesh) {
  const YamlValue& permissive = mesh.spec().at("allowEnablingPermissiveMutualTLS");
  if (permissive.truth() == true) state.add("C2", mesh, permissive.line, "allowEnablingPermissiveMutualTLS is true");
  for (const std::string_view direction : {"incoming", "outgoing"}) {
    const YamlValue& version = mesh.spec().at("tls").at(direction).at("tlsMinVersion");
    if (version.text == "TLSv1_3") continue;
    state.add(
        "C3", mesh, version.line,
        "tls." + std::string(direction) + ".tlsMinVersion is " + (version.is_text() ? shown(version.text) : "unset"));
  }
  const YamlValue& only = mesh.spec().under("transparentProxy.meshDestinationsOnly");
  if (only.truth() != true) state.add("C4", mesh, only.line, "transparentProxy.meshDestinationsOnly isn't true");
}

void audit_consul(AuditState& state, const Resource& resource) {
  const YamlValue& mode = resource.spec().at("mutualTLSMode");
  if ((resource.kind == "ProxyDefaults" || resource.kind == "ServiceDefaults") && mode.text == "permissive") {
    state.add("C1", resource, mode.line, "mutualTLSMode is permissive");
  }
  if (resource.kind == "Mesh") audit_consul_mesh(state, resource);
  if (resource.kind != "ServiceIntentions") return;
  for (const YamlValue& source : resource.spec().at("sources").items) {
    if (source.at("name").text == "*" && source.at("action").text == "allow") {
      state.add("C6", resource, source.line, "every source is allowed");
    }
  }
}

constexpr std::string_view kConsulBypasses[] = {
    "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
    "consul.hashicorp.com/transparent-proxy-exclude-outbound-ports",
    "consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs",
    "consul.hashicorp.com/transparent-proxy-exclude-uids",
};
constexpr std::string_view kKumaBypasses[] = {
    "traffic.kuma.io/exclude-inbound-ports",
    "traffic.kuma.io/exclude-outbound-ports",
    "traffic.kuma.io/exclude-outbound-ips",
    "traffic.kuma.io/exclude-outbound-ports-for-uids",
};

void audit_bypasses(AuditState& state, const Workload& workload, std::string_view id,
                    std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    const YamlValue& value = workload.annotation(name);
    if (value.is_text() && !value.text.empty()) {
      state.add(id, workload, value.line, std::string(name.substr(name.find('/') + 1)) + " is " + shown(value.text));
    }
  }
}

void audit_consul_values(AuditState& state, const Resource& document) {
  // A chart's values of Consul, not of something else with a global table.
  if (!document.root.at("connectInject").is_map()) return;
  const YamlValue& enabled = document.root.under("global.tls.enabled");
  if (enabled.truth() != true) state.add("C7", document, enabled.line, "global.tls.enabled isn't true");
}

// Where Cilium's settings are: a chart's values, or the ConfigMap that the chart makes of them.
struct CiliumSettings {
  const Resource* holder;
  std::uint32_t line;
  bool enabled, nodes, strict;
};

std::optional<CiliumSettings> cilium_settings(const Resource& resource) {
  if (resource.is("", "ConfigMap") && resource.name == "cilium-config") {
    const YamlValue& data = resource.root.at("data");
    const auto on = [&data](std::string_view name) { return data.at(name).truth() == true; };
    return CiliumSettings{&resource, data.line, on("enable-wireguard") || on("enable-ipsec"), on("encrypt-node"),
                          on("enable-encryption-strict-mode") || on("enable-encryption-strict-mode-egress")};
  }
  const YamlValue& encryption = resource.root.at("encryption");
  // Of a chart's values only Cilium's have this beside encryption.enabled.
  const bool of_cilium = encryption.at("nodeEncryption").is_text() || encryption.at("wireguard").is_map() ||
                         encryption.at("ipsec").is_map() || encryption.at("type").text == "wireguard" ||
                         encryption.at("type").text == "ipsec" || resource.root.at("kubeProxyReplacement").is_text();
  if (!resource.kind.empty() || !of_cilium) return std::nullopt;
  return CiliumSettings{&resource, encryption.line, encryption.at("enabled").truth() == true,
                        encryption.at("nodeEncryption").truth() == true,
                        encryption.under("strictMode.enabled").truth() == true ||
                            encryption.under("strictMode.egress.enabled").truth() == true};
}

void audit_cilium(AuditState& state, const CiliumSettings& settings) {
  if (!settings.enabled) {
    state.add("N1", *settings.holder, settings.line, "encryption isn't enabled");
    return;
  }
  if (!settings.nodes) state.add("N2", *settings.holder, settings.line, "nodeEncryption isn't enabled");
  if (!settings.strict) state.add("N3", *settings.holder, settings.line, "strictMode isn't enabled");
  state.add("N4", *settings.holder, settings.line, "transparent encryption");
}

void audit_kuma_mesh(AuditState& state, const Resource& mesh) {
  const YamlValue& mtls = mesh.spec().at("mtls");
  const YamlValue& enabled = mtls.at("enabledBackend");
  if (!enabled.is_text() || enabled.text.empty()) {
    state.add("K1", mesh, mtls.line, "mtls has no enabledBackend");
    return;
  }
  for (const YamlValue& backend : mtls.at("backends").items) {
    const YamlValue& mode = backend.at("mode");
    if (backend.at("name").text == enabled.text && mode.text == "PERMISSIVE")
      state.add("K2", mesh, mode.line, "the backend's mode is PERMISSIVE");
  }
}

void find_permissive(AuditState& state, const Resource& policy, const YamlValue& value) {
  const YamlValue& mode = value.at("mode");
  if (mode.text == "Permissive") state.add("K2", policy, mode.line, "mode is Permissive");
  for (const YamlMember& member : value.members) find_permissive(state, policy, member.value);
  for (const YamlValue& item : value.items) find_permissive(state, policy, item);
}

void audit_kuma(AuditState& state, const Resource& resource) {
  if (resource.kind == "Mesh") audit_kuma_mesh(state, resource);
  if (resource.kind != "MeshTLS") return;
  find_permissive(state, resource, resource.spec());
  const YamlValue& from = resource.spec().at("from");
  if (from.is_list()) state.add("K3", resource, from.line, "it has from, which Kuma 3.0 drops");
}

}  // namespace

void audit_other_meshes(AuditState& state) {
  for (const Resource& resource : state.manifests.resources) {
    if (resource.group == "consul.hashicorp.com") audit_consul(state, resource);
    if (resource.group == "kuma.io") audit_kuma(state, resource);
    if (resource.kind.empty()) audit_consul_values(state, resource);
    if (const auto settings = cilium_settings(resource)) audit_cilium(state, *settings);
  }
  for (const Workload& workload : state.workloads) {
    audit_bypasses(state, workload, "C5", kConsulBypasses);
    audit_bypasses(state, workload, "K4", kKumaBypasses);
  }
}

}  // namespace cloister::mesh
