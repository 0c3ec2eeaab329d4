#include "mesh/manifest/audit.h"

#include <algorithm>
#include <tuple>

#include "base/reader.h"
#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kQuotedMax = 120;

void shift_lines(YamlValue& value, std::uint32_t by) {
  value.line += by;
  for (YamlValue& item : value.items) shift_lines(item, by);
  for (YamlMember& member : value.members) {
    member.line += by;
    shift_lines(member.value, by);
  }
}

bool is_yaml_name(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name == "mesh" || name == "values" || name == "ingress";
}

Resource setting_of(const Resource& map, const YamlMember& member, YamlValue document) {
  shift_lines(document, member.value.line);
  Resource setting;
  setting.file = map.file;
  setting.line = member.line;
  setting.name = map.name + "/" + member.name;
  setting.name_space = map.name_space;
  setting.root = std::move(document);
  return setting;
}

void take_settings(AuditState& state, const Resource& resource) {
  if (resource.kind.empty()) {
    state.settings.push_back(resource);
  } else if (resource.is("", "ConfigMap")) {
    for (const YamlMember& member : resource.root.at("data").members) {
      if (!is_yaml_name(member.name)) continue;
      auto documents = parse_yaml(member.value.text);
      if (!documents.ok()) {
        state.add("M1", resource, member.line, shown(member.name) + ": " + documents.error().message());
        continue;
      }
      for (YamlValue& document : documents.value()) {
        state.settings.push_back(setting_of(resource, member, std::move(document)));
      }
    }
  }
}

bool has_text(const YamlValue& value) { return value.is_text() && value.truth() != false; }

void notice_meshes(AuditState& state, const Resource& resource) {
  const auto notice = [&resource](const Resource*& first, bool speaks) {
    if (first == nullptr && speaks) first = &resource;
  };
  const bool is_namespace = resource.is("", "Namespace");
  notice(state.istio, resource.group.ends_with(".istio.io") || resource.is("sailoperator.io", "Istio") ||
                          (resource.is("", "ConfigMap") && resource.root.under("data.mesh").is_text()) ||
                          (is_namespace && (resource.label("istio-injection").text == "enabled" ||
                                            resource.label("istio.io/rev").is_text() ||
                                            resource.label("istio.io/dataplane-mode").text == "ambient")));
  notice(state.linkerd, resource.group.ends_with("linkerd.io") ||
                            (resource.is("", "ConfigMap") && resource.name == "linkerd-config") ||
                            (is_namespace && resource.annotation("linkerd.io/inject").text == "enabled"));
  notice(state.consul, resource.group == "consul.hashicorp.com");
  notice(state.kuma, resource.group == "kuma.io");
  notice(state.cilium,
         resource.group == "cilium.io" || (resource.is("", "ConfigMap") && resource.name == "cilium-config"));
}

void notice_meshes(AuditState& state, const Workload& workload) {
  const auto notice = [&workload](const Resource*& first, bool speaks) {
    if (first == nullptr && speaks) first = workload.resource;
  };
  notice(state.istio, has_text(workload.label("sidecar.istio.io/inject")) ||
                          has_text(workload.annotation("sidecar.istio.io/inject")) ||
                          workload.label("istio.io/dataplane-mode").text == "ambient");
  notice(state.linkerd, workload.annotation("linkerd.io/inject").text == "enabled");
  notice(state.consul, has_text(workload.annotation("consul.hashicorp.com/connect-inject")));
  notice(state.kuma, workload.label("kuma.io/sidecar-injection").text == "enabled");
}

std::string find_root_namespace(const AuditState& state) {
  if (!state.options.root_namespace.empty()) return state.options.root_namespace;
  const YamlValue& of_map = state.setting("rootNamespace");
  if (of_map.is_text()) return of_map.text;
  for (const Resource& resource : state.manifests.resources) {
    for (const std::string_view path : {"meshConfig.rootNamespace", "values.meshConfig.rootNamespace"}) {
      const YamlValue& value = resource.spec().under(path);
      if (value.is_text()) return value.text;
    }
  }
  return "istio-system";
}

// What has a kind, and documents without one in which some rule finds its way about. Anything else isn't audited.
bool is_audited(const Resource& resource) {
  constexpr std::string_view kKnown[] = {
      "meshConfig",     "static_resources", "staticResources", "resources",          "proxy",          "global",
      "connectInject",  "encryption",       "identity",        "virtualNode",        "virtualGateway", "virtualRouter",
      "virtualService", "Resources",        "meshName",        "proxyConfiguration", "taskDefinition"};
  return !resource.kind.empty() || std::ranges::any_of(kKnown, [&resource](std::string_view name) {
    return resource.root.find(name) != nullptr;
  });
}

}  // namespace

std::size_t AuditReport::count(Severity at_least) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(findings, [at_least](const Finding& finding) { return finding.severity >= at_least; }));
}

AuditState::AuditState(const Manifests& all, const AuditOptions& given) : manifests(all), options(given) {
  workloads = workloads_of(all.resources, given.default_namespace);
  for (const Resource& resource : all.resources) {
    if (resource.is("", "Namespace")) namespaces.emplace(resource.name, &resource);
    take_settings(*this, resource);
    notice_meshes(*this, resource);
  }
  for (const Workload& workload : workloads) notice_meshes(*this, workload);
  root_namespace = find_root_namespace(*this);
  peers.set_root_namespace(root_namespace);
  for (const Resource& resource : all.resources) {
    if (resource.is("security.istio.io", "PeerAuthentication")) {
      peers.add(read_peer_authentication(resource, namespace_of(resource)));
    }
  }
}

const YamlValue& AuditState::namespace_label(const std::string& name, std::string_view label) const {
  static const YamlValue nothing;
  const auto found = namespaces.find(name);
  return found == namespaces.end() ? nothing : found->second->label(label);
}

const YamlValue& AuditState::namespace_annotation(const std::string& name, std::string_view annotation) const {
  static const YamlValue nothing;
  const auto found = namespaces.find(name);
  return found == namespaces.end() ? nothing : found->second->annotation(annotation);
}

const YamlValue& AuditState::setting(std::string_view path, const Resource** holder) const {
  static const YamlValue nothing;
  for (const Resource& document : settings) {
    const YamlValue& value = document.root.under(path);
    if (value.is_null()) continue;
    if (holder != nullptr) *holder = &document;
    return value;
  }
  return nothing;
}

bool AuditState::is_system_namespace(const std::string& name) const {
  constexpr std::string_view kSystem[] = {"kube-system",          "istio-system", "linkerd",     "linkerd-viz",
                                          "linkerd-multicluster", "consul",       "kuma-system", "cilium",
                                          "cert-manager"};
  return name == root_namespace || std::ranges::find(kSystem, name) != std::end(kSystem);
}

void AuditState::add(std::string_view rule_id, const Resource& resource, std::uint32_t line, std::string what) {
  const Rule& found = rule(rule_id);
  const std::string subject =
      resource.kind.empty() && !resource.name.empty() ? "ConfigMap " + resource.name : resource.subject();
  findings.push_back(
      {&found, found.severity, resource.file, line == 0 ? resource.line : line, shown(subject), std::move(what)});
}

void AuditState::add(std::string_view rule_id, const Workload& workload, std::uint32_t line, std::string what) {
  add_as(rule(rule_id).severity, rule_id, workload, line, std::move(what));
}

void AuditState::add_as(Severity severity, std::string_view rule_id, const Workload& workload, std::uint32_t line,
                        std::string what) {
  const Resource& resource = *workload.resource;
  findings.push_back({&rule(rule_id), severity, resource.file, line == 0 ? resource.line : line,
                      shown(workload.subject()), std::move(what)});
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kQuotedMax)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f ? '?' : c);
  }
  if (!is_plain_utf8(out)) {
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x7f; }, '?');
  }
  return text.size() > kQuotedMax ? out + "..." : out;
}

std::vector<std::string> list_of(std::string_view text, char separator) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    std::string_view item = text.substr(0, end);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) list.emplace_back(item);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return list;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  for (std::size_t at = 0; at + part.size() <= text.size(); ++at) {
    if (equals_ignoring_case(text.substr(at, part.size()), part)) return true;
  }
  return false;
}

AuditReport audit_manifests(const Manifests& manifests, const AuditOptions& options) {
  AuditState state(manifests, options);
  find_memberships(state);
  for (const auto audit :
       {audit_istio_policies, audit_istio_traffic, audit_istio_bypasses, audit_linkerd, audit_app_mesh,
        audit_other_meshes, audit_plain_entrances, audit_inference, audit_stores, audit_envoy}) {
    audit(state);
  }
  AuditReport report;
  report.files = manifests.files;
  report.resources = static_cast<std::size_t>(std::ranges::count_if(manifests.resources, is_audited));
  report.unread = manifests.unread;
  report.findings = std::move(state.findings);
  for (const UnreadManifest& unread : manifests.unread) {
    const Rule& found = rule("M1");
    report.findings.push_back({&found, found.severity, unread.file, 0, "file", shown(unread.reason)});
  }
  std::ranges::sort(report.findings, {}, [](const Finding& finding) {
    return std::tuple(finding.file, finding.line, finding.rule->id, finding.what);
  });
  report.workloads = std::move(state.modes);
  return report;
}

}  // namespace cloister::mesh
