#include "mesh/manifest/app_mesh.h"

#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

const YamlValue& nothing() {
  static const YamlValue value;
  return value;
}

// What CloudFormation computes has no name here; the logical id will do.
std::string name_in(const YamlValue& properties, const std::string& kind, const std::string& otherwise) {
  const YamlValue& name = at_any_case(properties, kind + "Name");
  return name.is_text() ? name.text : otherwise;
}

void add_cloud_formation(std::vector<AppMeshObject>& out, const Resource& document) {
  constexpr std::string_view kPrefix = "AWS::AppMesh::";
  for (const YamlMember& member : document.root.at("Resources").members) {
    const std::string& type = member.value.at("Type").text;
    if (!type.starts_with(kPrefix)) continue;
    const YamlValue& properties = member.value.at("Properties");
    const std::string kind = type.substr(kPrefix.size());
    out.push_back({&document, kind, name_in(properties, kind, member.name), member.line, &properties.at("Spec")});
  }
}

// {"virtualNode": {"meshName": …, "virtualNodeName": …, "spec": …}}, or what is within.
void add_described(std::vector<AppMeshObject>& out, const Resource& document) {
  for (const std::string_view kind :
       {"VirtualNode", "VirtualGateway", "VirtualService", "VirtualRouter", "Route", "Mesh"}) {
    const YamlValue& wrapped = at_any_case(document.root, kind);
    const YamlValue& object = wrapped.is_map() ? wrapped : document.root;
    const YamlValue& name = at_any_case(object, std::string(kind) + "Name");
    if (!object.at("meshName").is_text() || !name.is_text() || !object.at("spec").is_map()) continue;
    if (kind == "Mesh" && !wrapped.is_map()) continue;
    out.push_back({&document, std::string(kind), name.text, object.line, &object.at("spec")});
    return;
  }
}

}  // namespace

const YamlValue& at_any_case(const YamlValue& value, std::string_view name) {
  for (const YamlMember& member : value.members) {
    if (equals_ignoring_case(member.name, name)) return member.value;
  }
  return nothing();
}

const YamlValue& under_any_case(const YamlValue& value, std::string_view path) {
  const YamlValue* at = &value;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    at = &at_any_case(*at, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

std::vector<AppMeshObject> app_mesh_objects(const std::vector<Resource>& resources) {
  std::vector<AppMeshObject> objects;
  for (const Resource& resource : resources) {
    if (resource.group == "appmesh.k8s.aws") {
      const YamlValue& name = resource.spec().at("awsName");
      objects.push_back(
          {&resource, resource.kind, name.is_text() ? name.text : resource.name, resource.line, &resource.spec()});
    } else if (resource.kind.empty()) {
      add_cloud_formation(objects, resource);
      add_described(objects, resource);
    }
  }
  return objects;
}

}  // namespace cloister::mesh
