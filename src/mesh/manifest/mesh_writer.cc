// Names are checked when a plan is parsed, so that nothing here needs escaping.
#include "mesh/manifest/mesh_writer.h"

#include <set>

namespace cloister::mesh {
namespace {

constexpr std::string_view kHead = "# Written by `cloister mesh write`.\n";

std::string quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string object(std::string_view api, std::string_view kind, std::string_view name, std::string_view name_space) {
  return "---\napiVersion: " + std::string(api) + "\nkind: " + std::string(kind) +
         "\nmetadata:\n  name: " + quotes(name) + "\n" +
         (name_space.empty() ? "" : "  namespace: " + quotes(name_space) + "\n");
}

std::string labels(const PlanService& service, const std::string& indent) {
  std::string out;
  for (const auto& [name, value] : service.labels) out += indent + quotes(name) + ": " + quotes(value) + "\n";
  return out;
}

std::set<std::string> namespaces(const MeshPlan& plan) {
  std::set<std::string> names;
  for (const PlanService& service : plan.services) names.insert(service.name_space);
  return names;
}

// SPIFFE IDs without their scheme, which is how Istio names principals.
std::string principal(const PlanCaller& caller) { return caller.id.trust_domain().name() + caller.id.path(); }

std::string istio_allow(const PlanService& service) {
  std::string out = object("security.istio.io/v1", "AuthorizationPolicy", service.name, service.name_space) +
                    "spec:\n  selector:\n    matchLabels:\n" + labels(service, "      ") +
                    "  action: ALLOW\n  rules:\n    - from:\n        - source:\n            principals:\n";
  for (const PlanCaller& caller : service.callers) out += "              - " + quotes(principal(caller)) + "\n";
  out += "      to:\n        - operation:\n            ports:\n";
  for (const std::uint16_t port : service.ports) out += "              - " + quotes(std::to_string(port)) + "\n";
  return out;
}

std::string istio_external(const PlanExternal& external, const std::string& root_namespace) {
  return object("networking.istio.io/v1", "ServiceEntry", external.host, root_namespace) + "spec:\n  hosts:\n    - " +
         quotes(external.host) +
         "\n  location: MESH_EXTERNAL\n  resolution: DNS\n  ports:\n    - number: " + std::to_string(external.port) +
         "\n      name: tls\n      protocol: TLS\n";
}

std::string linkerd_server(const PlanService& service, std::uint16_t port, const std::string& name) {
  return object("policy.linkerd.io/v1beta3", "Server", name, service.name_space) +
         "spec:\n  podSelector:\n    matchLabels:\n" + labels(service, "      ") + "  port: " + std::to_string(port) +
         "\n  accessPolicy: deny\n";
}

std::string linkerd_callers(const PlanService& service) {
  std::string accounts, identities;
  for (const PlanCaller& caller : service.callers) {
    if (caller.service_account) {
      accounts += "    - kind: ServiceAccount\n      name: " + quotes(caller.service_account->second) +
                  "\n      namespace: " + quotes(caller.service_account->first) + "\n";
    } else {
      identities += "    - " + quotes(caller.id.uri()) + "\n";
    }
  }
  return object("policy.linkerd.io/v1alpha1", "MeshTLSAuthentication", service.name + "-callers", service.name_space) +
         "spec:\n" + (accounts.empty() ? "" : "  identityRefs:\n" + accounts) +
         (identities.empty() ? "" : "  identities:\n" + identities);
}

std::string linkerd_authorization(const PlanService& service, const std::string& server) {
  return object("policy.linkerd.io/v1alpha1", "AuthorizationPolicy", server, service.name_space) +
         "spec:\n  targetRef:\n    group: policy.linkerd.io\n    kind: Server\n    name: " + quotes(server) +
         "\n  requiredAuthenticationRefs:\n    - group: policy.linkerd.io\n      kind: MeshTLSAuthentication\n      "
         "name: " +
         quotes(service.name + "-callers") + "\n";
}

}  // namespace

std::string write_istio(const MeshPlan& plan, IstioKind kind) {
  std::string out(kHead);
  for (const std::string& name : namespaces(plan)) {
    out += object("v1", "Namespace", name, "") + "  labels:\n    " +
           (kind == IstioKind::kAmbient ? "istio.io/dataplane-mode: ambient\n" : "istio-injection: enabled\n");
  }
  out += object("security.istio.io/v1", "PeerAuthentication", "default", plan.root_namespace) +
         "spec:\n  mtls:\n    mode: STRICT\n";
  // Without rules: what no policy of a service allows is refused.
  out += object("security.istio.io/v1", "AuthorizationPolicy", "allow-nothing", plan.root_namespace) + "spec: {}\n";
  for (const PlanService& service : plan.services) {
    if (!service.callers.empty()) out += istio_allow(service);
  }
  for (const PlanExternal& external : plan.externals) out += istio_external(external, plan.root_namespace);
  return out;
}

std::string write_istio_values(const MeshPlan& plan) {
  return std::string(kHead) + "meshConfig:\n  trustDomain: " + quotes(plan.trust_domain) +
         "\n  rootNamespace: " + quotes(plan.root_namespace) +
         "\n  enableAutoMtls: true\n  meshMTLS:\n    minProtocolVersion: TLSV1_3\n  outboundTrafficPolicy:\n    mode: "
         "REGISTRY_ONLY\nenv:\n  # X25519MLKEM768 first; proxies of the data plane take it from here.\n  "
         "COMPLIANCE_POLICY: "
         "pqc\n";
}

std::string write_linkerd(const MeshPlan& plan) {
  std::string out(kHead);
  for (const std::string& name : namespaces(plan)) {
    out += object("v1", "Namespace", name, "") +
           "  annotations:\n    linkerd.io/inject: enabled\n    config.linkerd.io/default-inbound-policy: deny\n";
  }
  for (const PlanService& service : plan.services) {
    if (!service.callers.empty()) out += linkerd_callers(service);
    for (const std::uint16_t port : service.ports) {
      const std::string name = service.name + "-" + std::to_string(port);
      out += linkerd_server(service, port, name);
      if (!service.callers.empty()) out += linkerd_authorization(service, name);
    }
  }
  for (const std::string& name : namespaces(plan)) {
    out += object("policy.linkerd.io/v1alpha1", "EgressNetwork", "outside", name) + "spec:\n  trafficPolicy: Deny\n";
  }
  for (const std::string& name : namespaces(plan)) {
    for (const PlanExternal& external : plan.externals) {
      out += object("gateway.networking.k8s.io/v1alpha2", "TLSRoute", external.host, name) +
             "spec:\n  parentRefs:\n    - group: policy.linkerd.io\n      kind: EgressNetwork\n      name: outside\n   "
             "   port: " +
             std::to_string(external.port) + "\n  hostnames:\n    - " + quotes(external.host) +
             "\n  rules:\n    - backendRefs:\n        - group: policy.linkerd.io\n          kind: EgressNetwork\n      "
             "    name: "
             "outside\n          port: " +
             std::to_string(external.port) + "\n";
    }
  }
  return out;
}

std::string write_linkerd_values(const MeshPlan& plan) {
  return std::string(kHead) + "identityTrustDomain: " + quotes(plan.trust_domain) +
         "\nenableExternalProfiles: false\nproxy:\n  defaultInboundPolicy: all-authenticated\n";
}

std::string write_consul(const MeshPlan& plan) {
  constexpr std::string_view kApi = "consul.hashicorp.com/v1alpha1";
  std::string out(kHead);
  out +=
      object(kApi, "Mesh", "mesh", plan.root_namespace) +
      "spec:\n  allowEnablingPermissiveMutualTLS: false\n  transparentProxy:\n    meshDestinationsOnly: true\n  tls:\n"
      "    incoming:\n      tlsMinVersion: TLSv1_3\n    outgoing:\n      tlsMinVersion: TLSv1_3\n";
  out += object(kApi, "ProxyDefaults", "global", plan.root_namespace) +
         "spec:\n  mutualTLSMode: strict\n  mode: transparent\n";
  // Without a source of that name nobody calls anybody.
  out += object(kApi, "ServiceIntentions", "deny-all", plan.root_namespace) +
         "spec:\n  destination:\n    name: \"*\"\n  sources:\n    - name: \"*\"\n      action: deny\n";
  for (const PlanService& service : plan.services) {
    out += object(kApi, "ServiceDefaults", service.name, service.name_space) +
           "spec:\n  protocol: tcp\n  mutualTLSMode: strict\n";
    std::string sources;
    for (const PlanCaller& caller : service.callers) {
      if (!caller.service_account) continue;
      sources += "    - name: " + quotes(caller.service_account->second) +
                 "\n      namespace: " + quotes(caller.service_account->first) + "\n      action: allow\n";
    }
    if (sources.empty()) continue;
    out += object(kApi, "ServiceIntentions", service.name, service.name_space) +
           "spec:\n  destination:\n    name: " + quotes(service.name) + "\n  sources:\n" + sources;
  }
  return out;
}

}  // namespace cloister::mesh
