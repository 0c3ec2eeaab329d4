// I5, I6, I9, I10 and I12: what Istio's clients and gateways do with TLS.
#include <algorithm>
#include <functional>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

const Resource* service_entry_of(const AuditState& state, std::string_view host) {
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is("networking.istio.io", "ServiceEntry")) continue;
    for (const YamlValue& one : resource.spec().at("hosts").items) {
      if (one.text == host) return &resource;
    }
  }
  return nullptr;
}

bool is_external(const Resource& entry) { return entry.spec().at("location").text != "MESH_INTERNAL"; }

bool is_service(const AuditState& state, std::string_view name, std::string_view name_space) {
  return std::ranges::any_of(state.manifests.resources, [&](const Resource& resource) {
    return resource.is("", "Service") && resource.name == name && state.namespace_of(resource) == name_space;
  });
}

// A host of the mesh, as far as its name and the manifests tell: "reviews", "*.local",
// "reviews.prod.svc.cluster.local".
bool is_mesh_host(const AuditState& state, const std::string& host) {
  if (const Resource* entry = service_entry_of(state, host)) return !is_external(*entry);
  if (host.find('.') == std::string::npos) return !host.empty();
  if (host.ends_with(".local") || host.ends_with(".svc") || host == "*.local") return true;
  const std::size_t dot = host.find('.');
  const std::string name = host.substr(0, dot), rest = host.substr(dot + 1);
  return rest.find('.') == std::string::npos && (state.namespaces.contains(rest) || is_service(state, name, rest));
}

bool originates_tls(const YamlValue& tls) {
  return tls.at("mode").text == "SIMPLE" || tls.at("mode").text == "MUTUAL" || tls.at("mode").text == "ISTIO_MUTUAL";
}

// Every tls of a traffic policy: its own and those of its ports.
void each_tls(const YamlValue& policy, const std::function<void(const YamlValue&)>& see) {
  if (policy.at("tls").is_map()) see(policy.at("tls"));
  for (const YamlValue& port : policy.at("portLevelSettings").items) {
    if (port.at("tls").is_map()) see(port.at("tls"));
  }
}

void each_tls_of_rule(const Resource& destination, const std::function<void(const YamlValue&)>& see) {
  each_tls(destination.spec().at("trafficPolicy"), see);
  for (const YamlValue& subset : destination.spec().at("subsets").items) each_tls(subset.at("trafficPolicy"), see);
}

void audit_verification(AuditState& state, const Resource& destination, const YamlValue& tls) {
  if (tls.at("insecureSkipVerify").truth() == true) {
    state.add("I6", destination, tls.at("insecureSkipVerify").line, "insecureSkipVerify is true");
    return;
  }
  const std::string& mode = tls.at("mode").text;
  if (mode != "SIMPLE" && mode != "MUTUAL") return;
  const bool has_ca = tls.at("caCertificates").is_text() || tls.at("credentialName").is_text();
  const bool has_names = !tls.at("subjectAltNames").items.empty();
  if (has_ca && has_names) return;
  state.add("I6", destination, tls.line,
            mode + " without " + (has_ca ? "" : "caCertificates") + (has_ca || has_names ? "" : " and ") +
                (has_names ? "" : "subjectAltNames"));
}

void audit_destination(AuditState& state, const Resource& destination) {
  const std::string host = destination.spec().at("host").text;
  const bool of_mesh = is_mesh_host(state, host);
  each_tls_of_rule(destination, [&](const YamlValue& tls) {
    const YamlValue& mode = tls.at("mode");
    if (of_mesh && (mode.text == "DISABLE" || mode.text == "SIMPLE" || mode.text == "MUTUAL")) {
      state.add("I5", destination, mode.line, mode.text + " towards " + shown(host));
    } else if (!of_mesh && mode.text == "DISABLE") {
      state.add("I9", destination, mode.line, "DISABLE towards " + shown(host) + ", outside the mesh");
    }
    audit_verification(state, destination, tls);
  });
}

bool tls_is_originated_for(const AuditState& state, std::string_view host) {
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is("networking.istio.io", "DestinationRule") || resource.spec().at("host").text != host) continue;
    bool originated = false;
    each_tls_of_rule(resource, [&originated](const YamlValue& tls) { originated |= originates_tls(tls); });
    if (originated) return true;
  }
  return false;
}

void audit_service_entry(AuditState& state, const Resource& entry) {
  if (!is_external(entry)) return;
  for (const YamlValue& port : entry.spec().at("ports").items) {
    const std::string& protocol = port.at("protocol").text;
    if (equals_ignoring_case(protocol, "TLS") || equals_ignoring_case(protocol, "HTTPS")) continue;
    for (const YamlValue& host : entry.spec().at("hosts").items) {
      if (tls_is_originated_for(state, host.text)) continue;
      state.add("I9", entry, port.line,
                (protocol.empty() ? "TCP" : shown(protocol)) + " to " + shown(host.text) +
                    " outside the mesh, and no DestinationRule originates TLS");
    }
  }
}

void audit_sidecar(AuditState& state, const Resource& sidecar) {
  const YamlValue& mode = sidecar.spec().under("outboundTrafficPolicy.mode");
  if (mode.text == "ALLOW_ANY") state.add("I9", sidecar, mode.line, "outboundTrafficPolicy is ALLOW_ANY");
}

bool is_old_version(const YamlValue& version) { return version.text == "TLSV1_0" || version.text == "TLSV1_1"; }

void audit_gateway_server(AuditState& state, const Resource& gateway, const YamlValue& server) {
  const YamlValue& tls = server.at("tls");
  const YamlValue& protocol = server.under("port.protocol");
  const std::string& mode = tls.at("mode").text;
  const bool plain = !tls.is_map() || (mode.empty() && tls.at("httpsRedirect").truth() != true);
  if (mode == "PASSTHROUGH" || mode == "AUTO_PASSTHROUGH") {
    state.add("I10", gateway, tls.at("mode").line, mode + ": what TLS the client gets isn't decided here");
  }
  if (is_old_version(tls.at("minProtocolVersion"))) {
    state.add("I10", gateway, tls.at("minProtocolVersion").line,
              "minProtocolVersion is " + tls.at("minProtocolVersion").text);
  }
  if (plain && !equals_ignoring_case(protocol.text, "HTTPS") && !equals_ignoring_case(protocol.text, "TLS")) {
    state.add("I10", gateway, protocol.line == 0 ? server.line : protocol.line,
              shown(protocol.text) + " without TLS, and without httpsRedirect");
  }
}

bool has_name(const YamlValue& value, std::string_view part, std::uint32_t& line) {
  for (const YamlMember& member : value.members) {
    if (member.name.find(part) != std::string::npos) {
      line = member.line;
      return true;
    }
    if (has_name(member.value, part, line)) return true;
  }
  return std::ranges::any_of(value.items, [&](const YamlValue& item) { return has_name(item, part, line); });
}

void audit_envoy_filter(AuditState& state, const Resource& filter) {
  std::uint32_t line = 0;
  if (has_name(filter.spec(), "transport_socket", line) || has_name(filter.spec(), "transportSocket", line)) {
    state.add("I12", filter, line, "it changes a transport socket");
  }
}

}  // namespace

void audit_istio_traffic(AuditState& state) {
  for (const Resource& resource : state.manifests.resources) {
    if (resource.group != "networking.istio.io") continue;
    if (resource.kind == "DestinationRule") audit_destination(state, resource);
    if (resource.kind == "ServiceEntry") audit_service_entry(state, resource);
    if (resource.kind == "Sidecar") audit_sidecar(state, resource);
    if (resource.kind == "EnvoyFilter") audit_envoy_filter(state, resource);
    if (resource.kind != "Gateway") continue;
    for (const YamlValue& server : resource.spec().at("servers").items) audit_gateway_server(state, resource, server);
  }
}

}  // namespace cloister::mesh
