#include "mesh/manifest/peer_authentication.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

bool selects(const PeerAuthentication& policy, const YamlValue& labels) {
  return std::ranges::all_of(policy.labels, [&labels](const auto& label) {
    const YamlValue& value = labels.at(label.first);
    return value.is_text() && value.text == label.second;
  });
}

// How much a policy lets through: what it doesn't say is as good as what stands above it, at best permissive.
int weakness(const PeerAuthentication& policy) {
  const auto of = [](MtlsMode mode) {
    switch (mode) {
      case MtlsMode::kDisable: return 3;
      case MtlsMode::kPermissive: return 2;
      case MtlsMode::kUnset: return 1;
      case MtlsMode::kStrict: break;
    }
    return 0;
  };
  int weakest = of(policy.mode);
  for (const auto& [port, mode] : policy.ports) weakest = std::max(weakest, of(mode));
  return weakest;
}

// Times as Kubernetes writes them, in UTC and whole seconds, are in order as text.
bool goes_before(const PeerAuthentication& a, const PeerAuthentication& b) {
  if (a.created.empty() || b.created.empty()) return weakness(a) > weakness(b);
  return a.created < b.created;
}

}  // namespace

MtlsMode parse_mtls_mode(const YamlValue& mode) {
  if (mode.text == "STRICT" || mode.text == "3") return MtlsMode::kStrict;
  if (mode.text == "PERMISSIVE" || mode.text == "2") return MtlsMode::kPermissive;
  if (mode.text == "DISABLE" || mode.text == "1") return MtlsMode::kDisable;
  return MtlsMode::kUnset;
}

std::string_view name_of(MtlsMode mode) {
  switch (mode) {
    case MtlsMode::kDisable: return "DISABLE";
    case MtlsMode::kPermissive: return "PERMISSIVE";
    case MtlsMode::kStrict: return "STRICT";
    case MtlsMode::kUnset: break;
  }
  return "UNSET";
}

PeerAuthentication read_peer_authentication(const Resource& resource, std::string name_space) {
  PeerAuthentication policy;
  policy.resource = &resource;
  policy.name_space = std::move(name_space);
  policy.created = resource.root.under("metadata.creationTimestamp").text;
  for (const YamlMember& label : resource.spec().under("selector.matchLabels").members) {
    policy.labels[label.name] = label.value.text;
  }
  policy.mode = parse_mtls_mode(resource.spec().under("mtls.mode"));
  for (const YamlMember& port : resource.spec().at("portLevelMtls").members) {
    policy.ports[port.name] = parse_mtls_mode(port.value.at("mode"));
  }
  return policy;
}

const PeerAuthentication* PeerAuthentications::pick(Level level, const std::string& name_space, const YamlValue& labels,
                                                    IstioProxy proxy) const {
  const PeerAuthentication* picked = nullptr;
  for (const PeerAuthentication& policy : all_) {
    if (proxy == IstioProxy::kNode && policy.mode == MtlsMode::kDisable) continue;
    const bool of_root = policy.name_space == root_namespace_;
    const bool fits =
        level == Level::kMesh ? of_root && policy.labels.empty()
        : level == Level::kNamespace
            ? !of_root && policy.name_space == name_space && policy.labels.empty()
            : !of_root && policy.name_space == name_space && !policy.labels.empty() && selects(policy, labels);
    if (fits && (picked == nullptr || goes_before(policy, *picked))) picked = &policy;
  }
  return picked;
}

EffectiveMtls PeerAuthentications::effective(const std::string& name_space, const YamlValue& labels,
                                             IstioProxy proxy) const {
  EffectiveMtls effective;
  const PeerAuthentication* selecting = pick(Level::kWorkload, name_space, labels, proxy);
  for (const PeerAuthentication* policy :
       {pick(Level::kMesh, name_space, labels, proxy), pick(Level::kNamespace, name_space, labels, proxy), selecting}) {
    if (policy == nullptr || policy->mode == MtlsMode::kUnset) continue;
    effective.mode = policy->mode;
    effective.decided_by = policy;
  }
  if (selecting == nullptr) return effective;
  for (const auto& [port, mode] : selecting->ports) {
    effective.ports[port] = mode == MtlsMode::kUnset ? effective.mode : mode;
  }
  return effective;
}

}  // namespace cloister::mesh
