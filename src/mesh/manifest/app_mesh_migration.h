// From AWS App Mesh, which ended on 2026-09-30, to what AWS has in its place: ECS Service Connect and VPC Lattice.
#pragma once

#include "base/json.h"
#include "mesh/manifest/app_mesh.h"

namespace cloister::mesh {

struct ServiceConnectTarget {
  std::string name_space;     // of Cloud Map: name or ARN
  std::string authority_arn;  // AWS Private CA
  std::string role_arn;       // by which ECS asks it
  std::string kms_key;        // may be empty: AWS's own
};

struct LatticeTarget {
  std::string network;          // name of the service network
  std::string vpc_id;           // of the targets
  std::string certificate_arn;  // of ACM, for the listeners
};

struct Migration {
  JsonValue document;
  std::vector<std::string> caveats;  // what the new way doesn't do, and what had no counterpart
};

// For each virtual node: the service's serviceConnectConfiguration with TLS, and the portMappings that its task
// definition needs. kNotFound when there is no virtual node, kInvalid for one without a port that is a number, or a
// target that lacks a name or an ARN.
Result<Migration> migrate_to_service_connect(const std::vector<AppMeshObject>& objects,
                                             const ServiceConnectTarget& target);

// A template of CloudFormation: a service network that asks for IAM, and for each virtual node a service whose listener
// and targets are HTTPS. Refuses as above.
Result<Migration> migrate_to_lattice(const std::vector<AppMeshObject>& objects, const LatticeTarget& target);

}  // namespace cloister::mesh
