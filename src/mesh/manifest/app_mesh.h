// AWS App Mesh's objects, in whichever of its spellings: Kubernetes resources of its controller, CloudFormation
// templates, and what the AWS CLI describes.
#pragma once

#include "mesh/manifest/manifest.h"

namespace cloister::mesh {

// The member of that name whatever the case of its letters: CloudFormation writes TLS where others write tls.
const YamlValue& at_any_case(const YamlValue& value, std::string_view name);
// The same by names with dots between them.
const YamlValue& under_any_case(const YamlValue& value, std::string_view path);

// A view into a resource, which must outlive it.
struct AppMeshObject {
  const Resource* resource = nullptr;
  std::string kind;  // "VirtualNode", "VirtualGateway", "VirtualService", "VirtualRouter", "Route", "Mesh", …
  std::string name;
  std::uint32_t line = 0;
  const YamlValue* spec = nullptr;

  std::string subject() const { return "App Mesh " + kind + " " + (name.empty() ? "(without a name)" : name); }
};

std::vector<AppMeshObject> app_mesh_objects(const std::vector<Resource>& resources);

}  // namespace cloister::mesh
