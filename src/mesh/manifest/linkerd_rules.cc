// L1 to L9: Linkerd's policies, bypasses and certificates.
#include <algorithm>
#include <set>

#include "base/base64.h"
#include "crypto/x509.h"
#include "mesh/manifest/linkerd_policy.h"

namespace cloister::mesh {
namespace {

constexpr std::string_view kPolicyGroup = "policy.linkerd.io";
constexpr Duration kSoon = days(30);
constexpr std::size_t kCertificatesMax = 32;

void audit_default_annotation(AuditState& state, const Resource& resource, const YamlValue& annotations) {
  const YamlValue& policy = annotations.at("config.linkerd.io/default-inbound-policy");
  if (policy.is_text() && admits_unauthenticated(policy.text)) {
    state.add("L1", resource, policy.line, "default-inbound-policy is " + shown(policy.text));
  }
}

void audit_defaults(AuditState& state) {
  const Resource* holder = nullptr;
  const YamlValue& of_cluster = state.setting("proxy.defaultInboundPolicy", &holder);
  if (of_cluster.is_text() && !of_cluster.text.empty() && admits_unauthenticated(of_cluster.text)) {
    state.add("L1", *holder, of_cluster.line, "proxy.defaultInboundPolicy is " + shown(of_cluster.text));
  }
  for (std::size_t i = 0; i < state.workloads.size(); ++i) {
    if (state.memberships[i].mesh != "linkerd") continue;
    if (linkerd_default(state, state.workloads[i]).because != "Linkerd's default") continue;
    state.add("L1", state.workloads[i], 0,
              "nothing sets its inbound policy, and Linkerd's default is all-unauthenticated");
  }
}

void audit_bypasses(AuditState& state, const Resource& resource, const YamlValue& annotations) {
  for (const std::string_view name : {"config.linkerd.io/skip-inbound-ports", "config.linkerd.io/skip-outbound-ports",
                                      "config.linkerd.io/skip-subnets"}) {
    const YamlValue& value = annotations.at(name);
    if (value.is_text() && !value.text.empty()) {
      state.add("L4", resource, value.line, std::string(name.substr(name.find('/') + 1)) + " is " + shown(value.text));
    }
  }
  const YamlValue& opaque = annotations.at("config.linkerd.io/opaque-ports");
  if (opaque.is_text() && !opaque.text.empty())
    state.add("L6", resource, opaque.line, "opaque-ports is " + shown(opaque.text));
}

bool is_everywhere(const YamlValue& network) {
  const YamlValue& cidr = network.is_map() ? network.at("cidr") : network;
  return cidr.text.ends_with("/0");
}

void audit_authorization(AuditState& state, const Resource& policy) {
  if (!admits_without_tls(state, policy)) return;
  const auto& references = policy.spec().at("requiredAuthenticationRefs");
  if (references.items.empty()) {
    state.add("L3", policy, references.line, "it requires no authentication at all");
    return;
  }
  bool everywhere = false;
  for (const YamlValue& reference : references.items) {
    for (const Resource& resource : state.manifests.resources) {
      if (!resource.is(kPolicyGroup, "NetworkAuthentication") || resource.name != reference.at("name").text) continue;
      everywhere |= std::ranges::any_of(resource.spec().at("networks").items, is_everywhere);
    }
  }
  // A route of its own for a probe is what networks are for.
  if (!everywhere && policy.spec().under("targetRef.kind").text == "HTTPRoute") return;
  state.add("L3", policy, references.line,
            everywhere ? "a network of all addresses is enough" : "an address is enough");
}

void audit_legacy(AuditState& state, const Resource& authorization) {
  const YamlValue& client = authorization.spec().at("client");
  if (client.at("unauthenticated").truth() == true) {
    state.add("L3", authorization, client.at("unauthenticated").line, "client.unauthenticated is true");
  } else if (client.under("meshTLS.unauthenticatedTLS").truth() == true) {
    state.add("L3", authorization, client.under("meshTLS.unauthenticatedTLS").line,
              "meshTLS.unauthenticatedTLS is true");
  }
}

void audit_policy(AuditState& state, const Resource& resource) {
  if (resource.kind == "Server") {
    const YamlValue& access = resource.spec().at("accessPolicy");
    if (access.is_text() && admits_unauthenticated(access.text)) {
      state.add("L2", resource, access.line, "accessPolicy is " + shown(access.text));
    }
  }
  if (resource.kind == "AuthorizationPolicy") audit_authorization(state, resource);
  if (resource.kind == "ServerAuthorization") audit_legacy(state, resource);
  if (resource.kind == "EgressNetwork" && resource.spec().at("trafficPolicy").text != "Deny") {
    state.add("L9", resource, resource.spec().at("trafficPolicy").line, "trafficPolicy isn't Deny");
  }
}

void audit_certificates(AuditState& state, const Resource& holder, std::uint32_t line, const std::string& what,
                        std::string_view pem) {
  const auto certificates = crypto::Certificate::parse_pem(pem, kCertificatesMax);
  if (!certificates.ok()) {
    state.add("L7", holder, line, what + ": not certificates in PEM, so its end isn't known");
    return;
  }
  for (const crypto::Certificate& certificate : certificates.value()) {
    const Time end = certificate.facts().not_after;
    if (end > state.options.now + kSoon) continue;
    state.add("L7", holder, line,
              what + (end <= state.options.now ? " expired on " : " expires on ") + to_rfc3339(end).substr(0, 10));
  }
}

void audit_anchors(AuditState& state, const Resource& resource) {
  if (resource.is("", "ConfigMap") && resource.name == "linkerd-identity-trust-roots") {
    const YamlValue& bundle = resource.root.under("data").at("ca-bundle.crt");
    audit_certificates(state, resource, bundle.line, "a trust anchor", bundle.text);
  }
  if (!resource.is("", "Secret") || !resource.name.starts_with("linkerd-") || !resource.name.ends_with("-issuer"))
    return;
  for (const std::string_view name : {"tls.crt", "crt.pem"}) {
    const YamlValue& encoded = resource.root.at("data").at(name);
    if (!encoded.is_text()) continue;
    const auto pem = from_base64(encoded.text);
    audit_certificates(state, resource, encoded.line, "the issuer",
                       pem.ok() ? as_text(pem.value()) : std::string_view());
  }
}

void audit_settings(AuditState& state) {
  const Resource* holder = nullptr;
  const YamlValue& anchors = state.setting("identityTrustAnchorsPEM", &holder);
  if (anchors.is_text() && !anchors.text.empty())
    audit_certificates(state, *holder, anchors.line, "a trust anchor", anchors.text);
  const YamlValue& issuer = state.setting("identity.issuer.tls.crtPEM", &holder);
  if (issuer.is_text() && !issuer.text.empty())
    audit_certificates(state, *holder, issuer.line, "the issuer", issuer.text);
  const YamlValue& external = state.setting("enableExternalProfiles", &holder);
  if (external.truth() == true) state.add("L9", *holder, external.line, "enableExternalProfiles is true");
  for (const std::string_view path :
       {"proxyInit.ignoreInboundPorts", "proxyInit.ignoreOutboundPorts", "proxyInit.skipSubnets"}) {
    const YamlValue& ports = state.setting(path, &holder);
    // 4567 and 4568 are Galera's, which the chart leaves out by itself.
    if (!ports.is_text() || ports.text.empty() || ports.text == "4567,4568") continue;
    state.add("L4", *holder, ports.line, std::string(path) + " is " + shown(ports.text));
  }
}

void audit_links(AuditState& state) {
  std::set<std::string> anchors;
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is("", "ConfigMap") && resource.name == "linkerd-identity-trust-roots") {
      anchors.insert(resource.root.under("data").at("ca-bundle.crt").text);
    }
  }
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is("multicluster.linkerd.io", "Link")) continue;
    if (anchors.size() > 1) {
      state.findings.push_back({&rule("L8"), Severity::kHigh, resource.file, resource.line, shown(resource.subject()),
                                "the clusters' trust anchors differ"});
    } else {
      state.add("L8", resource, 0, "whether both clusters share an anchor can't be seen here");
    }
  }
}

void audit_external_flag(AuditState& state, const Workload& workload) {
  for (const Container& container : containers_of(workload)) {
    const std::string* value = container.option("-enable-external-profiles");
    if (value != nullptr && *value != "false")
      state.add("L9", workload, container.line, "-enable-external-profiles is on");
  }
}

}  // namespace

void audit_linkerd(AuditState& state) {
  audit_defaults(state);
  audit_settings(state);
  for (const Resource& resource : state.manifests.resources) {
    if (resource.group == kPolicyGroup) audit_policy(state, resource);
    audit_anchors(state, resource);
    const YamlValue& annotations = resource.root.under("metadata.annotations");
    if (resource.is("", "Namespace") || resource.is("", "Service")) {
      audit_default_annotation(state, resource, annotations);
      audit_bypasses(state, resource, annotations);
    }
  }
  for (const Workload& workload : state.workloads) {
    audit_default_annotation(state, *workload.resource, workload.metadata->at("annotations"));
    audit_bypasses(state, *workload.resource, workload.metadata->at("annotations"));
    audit_external_flag(state, workload);
  }
  audit_links(state);
}

}  // namespace cloister::mesh
