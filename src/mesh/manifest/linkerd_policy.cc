#include "mesh/manifest/linkerd_policy.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

constexpr std::string_view kPolicyGroup = "policy.linkerd.io";
constexpr std::string_view kDefaultAnnotation = "config.linkerd.io/default-inbound-policy";

bool selects(const YamlValue& selector, const Workload& workload) {
  return std::ranges::all_of(selector.at("matchLabels").members, [&workload](const YamlMember& label) {
    return workload.label(label.name).is_text() && workload.label(label.name).text == label.value.text;
  });
}

const Resource* find_policy(const AuditState& state, std::string_view kind, const std::string& name_space,
                            std::string_view name) {
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is(kPolicyGroup, kind) && resource.name == name && state.namespace_of(resource) == name_space)
      return &resource;
  }
  return nullptr;
}

// A number, or the name that a container gives it; the name as it is where none does.
std::string port_number(const Workload& workload, const YamlValue& port) {
  if (port.integer()) return port.text;
  for (const YamlValue& container : workload.pod->at("containers").items) {
    for (const YamlValue& one : container.at("ports").items) {
      if (one.at("name").text == port.text) return one.at("containerPort").text;
    }
  }
  return port.text;
}

// Whether a policy for this Server, for a route of it, or for its whole namespace lets somebody in without a
// certificate.
bool is_opened(const AuditState& state, const Resource& server) {
  const std::string name_space = state.namespace_of(server);
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is(kPolicyGroup, "AuthorizationPolicy") || state.namespace_of(resource) != name_space) continue;
    const YamlValue& target = resource.spec().at("targetRef");
    const bool fits = target.at("kind").text == "Namespace" ||
                      (target.at("kind").text == "Server" && target.at("name").text == server.name);
    if (fits && admits_without_tls(state, resource)) return true;
  }
  return false;
}

}  // namespace

bool admits_unauthenticated(std::string_view policy) {
  return policy != "deny" && policy != "all-authenticated" && policy != "cluster-authenticated";
}

LinkerdDefault linkerd_default(const AuditState& state, const Workload& workload) {
  const YamlValue& own = workload.annotation(kDefaultAnnotation);
  if (own.is_text()) return {own.text, "the pod's annotation"};
  const YamlValue& of_namespace = state.namespace_annotation(workload.name_space, kDefaultAnnotation);
  if (of_namespace.is_text()) return {of_namespace.text, "Namespace " + workload.name_space};
  const YamlValue& of_cluster = state.setting("proxy.defaultInboundPolicy");
  if (of_cluster.is_text() && !of_cluster.text.empty()) return {of_cluster.text, "proxy.defaultInboundPolicy"};
  return {};
}

bool admits_without_tls(const AuditState& state, const Resource& policy) {
  const auto& references = policy.spec().at("requiredAuthenticationRefs").items;
  // All that are named must be satisfied: one that asks for a certificate is enough.
  return std::ranges::none_of(references, [&](const YamlValue& reference) {
    const std::string& kind = reference.at("kind").text;
    if (kind == "ServiceAccount") return true;
    if (kind != "MeshTLSAuthentication") return false;
    const YamlValue& elsewhere = reference.at("namespace");
    const std::string name_space = elsewhere.is_text() ? elsewhere.text : state.namespace_of(policy);
    const Resource* authentication = find_policy(state, kind, name_space, reference.at("name").text);
    return authentication == nullptr || !authentication->spec().at("identities").items.empty() ||
           !authentication->spec().at("identityRefs").items.empty();
  });
}

void linkerd_mode(const AuditState& state, const Workload& workload, WorkloadMode& mode) {
  const LinkerdDefault standard = linkerd_default(state, workload);
  mode.mode = admits_unauthenticated(standard.policy) ? "permissive" : "strict";
  mode.because = standard.policy + " by " + standard.because;
  for (const Resource& server : state.manifests.resources) {
    if (!server.is(kPolicyGroup, "Server") || state.namespace_of(server) != workload.name_space) continue;
    if (!selects(server.spec().at("podSelector"), workload)) continue;
    const YamlValue& access = server.spec().at("accessPolicy");
    const bool weak = (access.is_text() && admits_unauthenticated(access.text)) || is_opened(state, server);
    mode.ports[port_number(workload, server.spec().at("port"))] = weak ? "permissive" : "strict";
  }
}

}  // namespace cloister::mesh
