// I8, I13 and I14: ways around Istio's proxies.
#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

constexpr std::int64_t kTunnelPort = 15008;

// Annotations whose value takes traffic away from the proxy; those that include take away what they don't name.
struct Bypass {
  std::string_view name;
  bool includes;
};
constexpr Bypass kBypasses[] = {
    {"traffic.sidecar.istio.io/excludeInboundPorts", false},
    {"traffic.sidecar.istio.io/excludeOutboundPorts", false},
    {"traffic.sidecar.istio.io/excludeOutboundIPRanges", false},
    {"traffic.sidecar.istio.io/excludeInterfaces", false},
    {"traffic.sidecar.istio.io/kubevirtInterfaces", false},
    {"traffic.sidecar.istio.io/includeInboundPorts", true},
    {"traffic.sidecar.istio.io/includeOutboundIPRanges", true},
};

void audit_annotations(AuditState& state, const Workload& workload) {
  for (const Bypass& bypass : kBypasses) {
    const YamlValue& value = workload.annotation(bypass.name);
    const bool led_around =
        bypass.includes ? value.is_text() && value.text != "*" : value.is_text() && !value.text.empty();
    if (!led_around) continue;
    state.add("I8", workload, value.line, std::string(bypass.name) + " is " + shown(value.text));
  }
  const YamlValue& ambient = workload.annotation("ambient.istio.io/bypass-inbound-capture");
  if (ambient.truth() == true)
    state.add("I8", workload, ambient.line, "ambient.istio.io/bypass-inbound-capture is \"true\"");
}

// The same for the whole mesh, in an operator's or a chart's values.
void audit_proxy_values(AuditState& state, const Resource& holder, const YamlValue& proxy) {
  for (const std::string_view name : {"excludeInboundPorts", "excludeOutboundPorts", "excludeIPRanges"}) {
    const YamlValue& value = proxy.at(name);
    if (value.is_text() && !value.text.empty()) {
      state.add("I8", holder, value.line, "global.proxy." + std::string(name) + " is " + shown(value.text));
    }
  }
}

bool is_of_ambient(const AuditState& state, const std::string& name_space) {
  for (std::size_t i = 0; i < state.workloads.size(); ++i) {
    if (state.workloads[i].name_space == name_space && state.memberships[i].mesh == "istio-ambient") return true;
  }
  return state.namespace_label(name_space, "istio.io/dataplane-mode").text == "ambient";
}

bool allows_tunnel(const YamlValue& port) {
  const YamlValue& protocol = port.at("protocol");
  if (protocol.is_text() && protocol.text != "TCP") return false;
  const YamlValue& first = port.at("port");
  if (first.is_null()) return true;
  const auto low = first.integer(), high = port.at("endPort").integer();
  return low && *low <= kTunnelPort && high.value_or(*low) >= kTunnelPort;
}

bool closes_tunnel(const YamlValue& direction) {
  return std::ranges::none_of(direction.items, [](const YamlValue& allowed) {
    const auto& ports = allowed.at("ports").items;
    return ports.empty() || std::ranges::any_of(ports, allows_tunnel);
  });
}

void audit_network_policy(AuditState& state, const Resource& policy) {
  if (!is_of_ambient(state, state.namespace_of(policy))) return;
  const YamlValue& types = policy.spec().at("policyTypes");
  const auto holds_for = [&types](std::string_view type, bool otherwise) {
    if (types.items.empty()) return otherwise;
    return std::ranges::any_of(types.items, [type](const YamlValue& one) { return one.text == type; });
  };
  const YamlValue &ingress = policy.spec().at("ingress"), &egress = policy.spec().at("egress");
  // Without policyTypes a policy is for what comes in, and for what goes out where it has rules for that.
  if (holds_for("Ingress", true) && closes_tunnel(ingress)) {
    state.add("I14", policy, ingress.line, "no ingress rule lets TCP 15008 in");
  }
  if (holds_for("Egress", egress.is_list()) && closes_tunnel(egress)) {
    state.add("I14", policy, egress.line, "no egress rule lets TCP 15008 out");
  }
}

}  // namespace

void audit_istio_bypasses(AuditState& state) {
  for (const Workload& workload : state.workloads) audit_annotations(state, workload);
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is("networking.k8s.io", "NetworkPolicy")) audit_network_policy(state, resource);
    audit_proxy_values(state, resource, resource.spec().under("values.global.proxy"));
    const YamlValue& suppressed = resource.annotation("galley.istio.io/analyze-suppress");
    if (suppressed.is_text()) state.add("I13", resource, suppressed.line, "suppressed: " + shown(suppressed.text));
  }
  for (const Resource& document : state.settings)
    audit_proxy_values(state, document, document.root.under("global.proxy"));
}

}  // namespace cloister::mesh
