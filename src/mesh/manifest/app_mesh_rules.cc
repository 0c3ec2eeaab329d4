// A1 to A5: what remains of AWS App Mesh, and what it let through.
#include <algorithm>

#include "mesh/manifest/app_mesh.h"
#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

void add(AuditState& state, std::string_view id, const AppMeshObject& object, std::uint32_t line, std::string what) {
  const Rule& found = rule(id);
  state.findings.push_back({&found, found.severity, object.resource->file, line == 0 ? object.line : line,
                            shown(object.subject()), std::move(what)});
}

void audit_listener(AuditState& state, const AppMeshObject& object, const YamlValue& listener) {
  const YamlValue& tls = at_any_case(listener, "tls");
  const YamlValue& mode = at_any_case(tls, "mode");
  if (mode.text != "STRICT") {
    add(state, "A2", object, mode.line == 0 ? listener.line : mode.line,
        tls.is_map() ? "a listener's mode is " + shown(mode.text) : "a listener without tls");
  }
  if (tls.is_map() && !at_any_case(tls, "validation").is_map()) {
    add(state, "A3", object, tls.line, "a listener doesn't validate its clients");
  }
}

void audit_client_policy(AuditState& state, const AppMeshObject& object, const YamlValue& policy) {
  const YamlValue& tls = at_any_case(policy, "tls");
  if (!tls.is_map()) return;
  const YamlValue& enforce = at_any_case(tls, "enforce");
  if (enforce.truth() == false) add(state, "A4", object, enforce.line, "clientPolicy.tls.enforce is false");
  const YamlValue& ports = at_any_case(tls, "ports");
  if (!ports.items.empty()) add(state, "A5", object, ports.line, "clientPolicy.tls.ports names some ports only");
  if (!at_any_case(tls, "validation").is_map())
    add(state, "A3", object, tls.line, "a client doesn't validate the backend");
}

void audit_object(AuditState& state, const AppMeshObject& object) {
  add(state, "A1", object, 0, "an object of App Mesh");
  for (const YamlValue& listener : at_any_case(*object.spec, "listeners").items)
    audit_listener(state, object, listener);
  audit_client_policy(state, object, under_any_case(*object.spec, "backendDefaults.clientPolicy"));
  for (const YamlValue& backend : at_any_case(*object.spec, "backends").items) {
    audit_client_policy(state, object, under_any_case(backend, "virtualService.clientPolicy"));
  }
}

bool is_app_mesh_proxy(const Container& container) {
  return container.image.find("aws-appmesh-envoy") != std::string::npos || container.has_env("APPMESH_RESOURCE_ARN") ||
         container.has_env("APPMESH_VIRTUAL_NODE_NAME");
}

// {"family": …, "proxyConfiguration": {"type": "APPMESH"}}: a task definition of ECS.
void audit_task(AuditState& state, const Resource& document) {
  const YamlValue& wrapped = at_any_case(document.root, "taskDefinition");
  const YamlValue& type = under_any_case(wrapped.is_map() ? wrapped : document.root, "proxyConfiguration.type");
  if (type.text == "APPMESH") state.add("A1", document, type.line, "a task of ECS whose proxy is App Mesh's");
}

}  // namespace

void audit_app_mesh(AuditState& state) {
  for (const AppMeshObject& object : app_mesh_objects(state.manifests.resources)) audit_object(state, object);
  for (const Resource& resource : state.manifests.resources) {
    if (resource.kind.empty()) audit_task(state, resource);
    const YamlValue& injected = resource.label("appmesh.k8s.aws/sidecarInjectorWebhook");
    if (injected.text == "enabled") state.add("A1", resource, injected.line, "App Mesh's webhook injects here");
  }
  for (const Workload& workload : state.workloads) {
    for (const Container& container : containers_of(workload)) {
      if (is_app_mesh_proxy(container)) state.add("A1", workload, container.line, "a proxy of App Mesh");
    }
  }
}

}  // namespace cloister::mesh
