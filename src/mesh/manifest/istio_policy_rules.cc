// I1 to I4, I11, I15 to I18: who may speak to whom in Istio, and whether in plaintext.
#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

void require_mesh_wide_strict(AuditState& state) {
  if (state.istio == nullptr) return;
  bool found = false;
  for (const PeerAuthentication& policy : state.peers.all()) {
    if (policy.name_space != state.root_namespace || !policy.labels.empty()) continue;
    found = true;
    if (policy.mode == MtlsMode::kStrict) continue;
    state.add("I1", *policy.resource, policy.resource->spec().at("mtls").line,
              "the mesh-wide mode is " + std::string(name_of(policy.mode)));
  }
  if (!found) {
    state.add("I1", *state.istio, 0,
              "no PeerAuthentication in " + shown(state.root_namespace) + ": what no other covers is PERMISSIVE");
  }
}

// The level above a policy: what an unset mode of it comes to.
MtlsMode inherited(const AuditState& state, const PeerAuthentication& policy) {
  YamlValue labels;
  for (const auto& [name, value] : policy.labels) {
    YamlValue text;
    text.kind = YamlValue::Kind::kText;
    text.text = value;
    labels.members.push_back({name, 0, std::move(text)});
  }
  return state.peers.effective(policy.name_space, labels, IstioProxy::kSidecar).mode;
}

void audit_mode(AuditState& state, const PeerAuthentication& policy, MtlsMode mode, const YamlValue& at,
                const std::string& of) {
  const std::uint32_t line = at.line;
  if (mode == MtlsMode::kPermissive || mode == MtlsMode::kDisable) {
    state.add("I2", *policy.resource, line, of + std::string(name_of(mode)));
  } else if (mode == MtlsMode::kUnset) {
    const MtlsMode comes_to = inherited(state, policy);
    if (comes_to == MtlsMode::kStrict) return;
    state.add("I3", *policy.resource, line, of + "unset, which comes to " + std::string(name_of(comes_to)));
  }
}

bool is_container_port(const Workload& workload, std::string_view port) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    for (const YamlValue& container : workload.pod->at(list).items) {
      for (const YamlValue& one : container.at("ports").items) {
        if (one.at("containerPort").text == port) return true;
      }
    }
  }
  return false;
}

bool selects(const YamlValue& labels, const Workload& workload) {
  return std::ranges::all_of(labels.members, [&workload](const YamlMember& label) {
    return workload.label(label.name).is_text() && workload.label(label.name).text == label.value.text;
  });
}

// A key that is the port of a Service which leads to another port of these pods, and no port of the pods itself.
void audit_port_key(AuditState& state, const PeerAuthentication& policy, const YamlMember& port) {
  const YamlValue& labels = policy.resource->spec().under("selector.matchLabels");
  for (const Workload& workload : state.workloads) {
    if (workload.name_space == policy.name_space && selects(labels, workload) &&
        is_container_port(workload, port.name)) {
      return;
    }
  }
  for (const Resource& service : state.manifests.resources) {
    if (!service.is("", "Service") || state.namespace_of(service) != policy.name_space) continue;
    for (const YamlValue& one : service.spec().at("ports").items) {
      const YamlValue& target = one.at("targetPort");
      if (one.at("port").text != port.name || !target.is_text() || target.text == port.name) continue;
      state.add(
          "I18", *policy.resource, port.line,
          port.name + " is a port of " + shown(service.subject()) + ", whose pods listen on " + shown(target.text));
      return;
    }
  }
}

void audit_ports(AuditState& state, const PeerAuthentication& policy) {
  const YamlValue& ports = policy.resource->spec().at("portLevelMtls");
  if (ports.members.empty()) return;
  if (policy.labels.empty()) {
    state.add("I4", *policy.resource, ports.line, "portLevelMtls without a selector has no effect");
    return;
  }
  for (const YamlMember& port : ports.members) {
    const MtlsMode mode = policy.ports.at(port.name);
    YamlValue at = port.value.at("mode");
    at.line = at.line == 0 ? port.line : at.line;
    // An unset port takes the workload's mode, about which there is a finding already.
    if (mode != MtlsMode::kUnset) audit_mode(state, policy, mode, at, "port " + shown(port.name) + " is ");
    audit_port_key(state, policy, port);
  }
}

void audit_peer_authentication(AuditState& state, const PeerAuthentication& policy) {
  const bool of_root = policy.name_space == state.root_namespace;
  if (of_root && !policy.labels.empty()) {
    state.add("I17", *policy.resource, policy.resource->spec().at("selector").line,
              "it selects workloads, and is in the root namespace: it isn't used");
    return;
  }
  const YamlValue& mode = policy.resource->spec().under("mtls.mode");
  const YamlValue& mtls = policy.resource->spec().at("mtls");
  audit_mode(state, policy, policy.mode, mode.line == 0 ? mtls : mode, "the mode is ");
  audit_ports(state, policy);
}

void audit_rivals(AuditState& state) {
  const auto& all = state.peers.all();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (all[i].name_space != all[k].name_space || all[i].labels != all[k].labels) continue;
      const bool dated = !all[i].created.empty() && !all[k].created.empty();
      state.add("I17", *all[i].resource, 0,
                "the same level as " + shown(all[k].resource->subject()) +
                    (dated ? ": only the older one is used"
                           : ": only the older one is used, and the files don't say which it is"));
      break;
    }
  }
}

bool names_principals(const YamlValue& source) {
  return !source.at("principals").items.empty() || !source.at("serviceAccounts").items.empty();
}

void audit_allow(AuditState& state, const Resource& policy) {
  std::size_t number = 0;
  for (const YamlValue& allowed : policy.spec().at("rules").items) {
    ++number;
    const auto& sources = allowed.at("from").items;
    const bool asks = !sources.empty() && std::ranges::all_of(sources, [](const YamlValue& from) {
      return names_principals(from.at("source"));
    });
    if (!asks) {
      state.add("I11", policy, allowed.line,
                "rule " + std::to_string(number) + " allows without from.source.principals");
    }
  }
}

void audit_deny(AuditState& state, const Resource& policy) {
  for (const YamlValue& denied : policy.spec().at("rules").items) {
    for (const YamlValue& from : denied.at("from").items) {
      const YamlValue& source = from.at("source");
      if (names_principals(source) || !source.at("namespaces").items.empty()) {
        state.add("I11", policy, denied.line, "DENY by who the peer is: a plaintext peer is nobody, and isn't denied");
        break;
      }
    }
  }
}

void audit_authorization(AuditState& state, const Resource& policy) {
  const YamlValue& action = policy.spec().at("action");
  if (!action.is_text() || action.text == "ALLOW" || action.text == "0") audit_allow(state, policy);
  if (action.text == "DENY" || action.text == "1") audit_deny(state, policy);
}

// The settings of the whole mesh, wherever they are kept.
void audit_mesh_config(AuditState& state, const Resource& holder, const YamlValue& config) {
  if (config.at("enableAutoMtls").truth() == false) {
    state.add("I15", holder, config.at("enableAutoMtls").line, "enableAutoMtls is false");
  }
  const YamlValue& version = config.under("meshMTLS.minProtocolVersion");
  if (version.text != "TLSV1_3") {
    state.add("I16", holder, version.line == 0 ? config.line : version.line,
              version.is_text() ? "meshMTLS.minProtocolVersion is " + shown(version.text)
                                : "meshMTLS.minProtocolVersion isn't set");
  }
  const YamlValue& outbound = config.under("outboundTrafficPolicy.mode");
  if (outbound.text != "REGISTRY_ONLY") {
    state.add(
        "I9", holder, outbound.line == 0 ? config.line : outbound.line,
        "the mesh's outboundTrafficPolicy is " + (outbound.is_text() ? shown(outbound.text) : "unset: ALLOW_ANY"));
  }
}

}  // namespace

void audit_istio_policies(AuditState& state) {
  require_mesh_wide_strict(state);
  for (const PeerAuthentication& policy : state.peers.all()) audit_peer_authentication(state, policy);
  audit_rivals(state);
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is("security.istio.io", "AuthorizationPolicy")) audit_authorization(state, resource);
    const bool installs = resource.is("install.istio.io", "IstioOperator");
    if (installs) audit_mesh_config(state, resource, resource.spec().at("meshConfig"));
    if (resource.is("sailoperator.io", "Istio"))
      audit_mesh_config(state, resource, resource.spec().under("values.meshConfig"));
  }
  for (const Resource& document : state.settings) {
    if (document.name.ends_with("/mesh")) audit_mesh_config(state, document, document.root);
    if (document.root.at("meshConfig").is_map()) audit_mesh_config(state, document, document.root.at("meshConfig"));
  }
}

}  // namespace cloister::mesh
