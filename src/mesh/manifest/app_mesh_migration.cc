#include "mesh/manifest/app_mesh_migration.h"

#include <algorithm>
#include <set>

namespace cloister::mesh {
namespace {

using Object = JsonValue::Object;
using Array = JsonValue::Array;

struct Port {
  std::uint64_t number;
  std::string protocol;  // "http", "http2", "grpc" or "tcp"
};

struct Node {
  std::string name;  // letters, digits and '-'
  std::vector<Port> ports;
  std::vector<std::string> host_names;  // by which clients call it
  bool on_kubernetes = false;
};

Error about(const AppMeshObject& object, const std::string& message) {
  return Error(Code::kInvalid, object.resource->file + ": line " + std::to_string(object.line) + ": " + message);
}

// Names of ECS, Cloud Map and Lattice have letters, digits and hyphens.
std::string plain_name(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 40)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool upper = c >= 'A' && c <= 'Z';
    out.push_back(letter ? c : upper ? static_cast<char>(c + 32) : '-');
  }
  while (out.ends_with('-')) out.pop_back();
  while (out.starts_with('-')) out.erase(0, 1);
  return out;
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

// The virtual services that a node provides, directly: clients call it by their names.
void add_service_names(Node& node, const AppMeshObject& of, const std::vector<AppMeshObject>& objects) {
  for (const AppMeshObject& service : objects) {
    if (service.kind != "VirtualService") continue;
    const YamlValue& provider = under_any_case(*service.spec, "provider.virtualNode");
    const YamlValue& by_name = at_any_case(provider, "virtualNodeName");
    const YamlValue& by_reference = under_any_case(provider, "virtualNodeRef.name");
    const std::string& name = by_name.is_text() ? by_name.text : by_reference.text;
    const bool fits = !name.empty() && (name == of.name || name == of.resource->name);
    if (fits && is_host(service.name)) node.host_names.push_back(service.name);
  }
}

Result<Node> node_of(const AppMeshObject& object, const std::vector<AppMeshObject>& objects) {
  Node node;
  node.name = plain_name(object.name);
  if (node.name.empty()) return about(object, "a virtual node has no name");
  node.on_kubernetes = !object.resource->kind.empty();
  for (const YamlValue& listener : at_any_case(*object.spec, "listeners").items) {
    const YamlValue& mapping = at_any_case(listener, "portMapping");
    const auto number = at_any_case(mapping, "port").integer();
    if (!number || *number < 1 || *number > 65535) return about(object, "a listener of " + node.name + " has no port");
    const std::string& protocol = at_any_case(mapping, "protocol").text;
    const bool known = protocol == "http" || protocol == "http2" || protocol == "grpc";
    node.ports.push_back({static_cast<std::uint64_t>(*number), known ? protocol : "tcp"});
  }
  const YamlValue& host = under_any_case(*object.spec, "serviceDiscovery.dns.hostname");
  add_service_names(node, object, objects);
  if (node.host_names.empty() && is_host(host.text)) node.host_names.push_back(host.text);
  if (node.host_names.empty()) node.host_names.push_back(node.name);
  return node;
}

Result<std::vector<Node>> nodes_of(const std::vector<AppMeshObject>& objects) {
  std::vector<Node> nodes;
  std::set<std::string> names;
  for (const AppMeshObject& object : objects) {
    if (object.kind != "VirtualNode") continue;
    CLOISTER_TRY(Node node, node_of(object, objects));
    if (!names.insert(node.name).second) return about(object, "two virtual nodes come to the name " + node.name);
    nodes.push_back(std::move(node));
  }
  if (nodes.empty()) return Error(Code::kNotFound, "there is no virtual node of App Mesh here");
  return nodes;
}

void add_common_caveats(Migration& migration, const std::vector<AppMeshObject>& objects,
                        const std::vector<Node>& nodes) {
  for (const AppMeshObject& object : objects) {
    if (object.kind == "Route" || object.kind == "VirtualRouter") {
      migration.caveats.push_back(object.subject() + ": weights, retries and matches aren't carried over");
    } else if (object.kind == "VirtualGateway" || object.kind == "GatewayRoute") {
      migration.caveats.push_back(object.subject() + ": put a load balancer with TLS in its place");
    }
  }
  for (const Node& node : nodes) {
    if (node.ports.empty()) migration.caveats.push_back(node.name + " has no listener: it only calls others");
  }
}

Status expect_arn(std::string_view arn, std::string_view what) {
  if (arn.starts_with("arn:") && arn.size() <= 2048 && std::ranges::count(arn, ':') >= 5) return ok_status();
  return Error(Code::kInvalid, std::string(what) + " isn't an ARN");
}

Object service_connect_tls(const ServiceConnectTarget& target) {
  Object tls{{"issuerCertificateAuthority", Object{{"awsPcaAuthorityArn", target.authority_arn}}},
             {"roleArn", target.role_arn}};
  if (!target.kms_key.empty()) tls.emplace_back("kmsKey", target.kms_key);
  return tls;
}

Object service_connect(const Node& node, const ServiceConnectTarget& target) {
  Array services, mappings;
  for (const Port& port : node.ports) {
    const std::string name = node.name + "-" + std::to_string(port.number);
    Array aliases;
    for (const std::string& host : node.host_names) aliases.push_back(Object{{"port", port.number}, {"dnsName", host}});
    services.push_back(Object{{"portName", name},
                              {"discoveryName", name},
                              {"clientAliases", std::move(aliases)},
                              {"tls", service_connect_tls(target)}});
    Object mapping{{"name", name}, {"containerPort", port.number}, {"protocol", "tcp"}};
    if (port.protocol != "tcp") mapping.emplace_back("appProtocol", port.protocol);
    mappings.push_back(std::move(mapping));
  }
  Object configuration{{"enabled", true}, {"namespace", target.name_space}};
  if (!services.empty()) configuration.emplace_back("services", std::move(services));
  return {{"service", node.name},
          {"serviceConnectConfiguration", std::move(configuration)},
          {"portMappings", std::move(mappings)}};
}

// Logical ids have letters and digits only.
std::string logical_id(const Node& node, const Port& port, std::string_view what) {
  std::string id;
  bool upper = true;
  for (const char c : node.name) {
    if (c == '-') {
      upper = true;
    } else {
      id.push_back(upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
      upper = false;
    }
  }
  return id + std::to_string(port.number) + std::string(what);
}

Object reference(const std::string& id, std::string_view attribute) {
  return {{"Fn::GetAtt", Array{id, std::string(attribute)}}};
}

Object typed(std::string_view type, Object properties) {
  return {{"Type", "AWS::VpcLattice::" + std::string(type)}, {"Properties", std::move(properties)}};
}

void add_lattice_service(Object& resources, const Node& node, const Port& port, const LatticeTarget& target) {
  const std::string service = logical_id(node, port, "Service"), group = logical_id(node, port, "Targets");
  const std::string name = node.name + "-" + std::to_string(port.number);
  Object of_service{{"Name", name}, {"AuthType", "AWS_IAM"}, {"CertificateArn", target.certificate_arn}};
  if (node.host_names.front().find('.') != std::string::npos)
    of_service.emplace_back("CustomDomainName", node.host_names.front());
  resources.emplace_back(service, typed("Service", std::move(of_service)));
  const bool is_grpc = port.protocol == "grpc" || port.protocol == "http2";
  Object config{{"Port", port.number}, {"Protocol", "HTTPS"}, {"VpcIdentifier", target.vpc_id}};
  config.emplace_back("ProtocolVersion", is_grpc ? (port.protocol == "grpc" ? "GRPC" : "HTTP2") : "HTTP1");
  resources.emplace_back(group, typed("TargetGroup", {{"Name", name}, {"Type", "IP"}, {"Config", std::move(config)}}));
  const Object forward{{"TargetGroups", Array{Object{{"TargetGroupIdentifier", reference(group, "Arn")},
                                                     {"Weight", std::uint64_t{100}}}}}};
  resources.emplace_back(logical_id(node, port, "Listener"),
                         typed("Listener", {{"Name", name + "-https"},
                                            {"Protocol", "HTTPS"},
                                            {"Port", std::uint64_t{443}},
                                            {"ServiceIdentifier", reference(service, "Arn")},
                                            {"DefaultAction", Object{{"Forward", forward}}}}));
  resources.emplace_back(
      logical_id(node, port, "Association"),
      typed("ServiceNetworkServiceAssociation", {{"ServiceIdentifier", reference(service, "Arn")},
                                                 {"ServiceNetworkIdentifier", reference("Network", "Arn")}}));
}

}  // namespace

Result<Migration> migrate_to_service_connect(const std::vector<AppMeshObject>& objects,
                                             const ServiceConnectTarget& target) {
  if (target.name_space.empty()) return Error(Code::kInvalid, "Service Connect needs a namespace of Cloud Map");
  CLOISTER_RETURN_IF_ERROR(expect_arn(target.authority_arn, "the authority"));
  CLOISTER_RETURN_IF_ERROR(expect_arn(target.role_arn, "the role"));
  CLOISTER_TRY(const std::vector<Node> nodes, nodes_of(objects));
  Migration migration;
  Array services;
  for (const Node& node : nodes) {
    services.push_back(service_connect(node, target));
    if (node.on_kubernetes)
      migration.caveats.push_back(node.name + " runs on Kubernetes, and Service Connect is for ECS");
  }
  migration.document = Object{{"services", std::move(services)}};
  migration.caveats.emplace_back("only traffic through the proxies that ECS adds, on both sides, is encrypted");
  migration.caveats.emplace_back(
      "TLS 1.3 that authenticates the server alone: it isn't mutual, and names no workload as a client");
  migration.caveats.emplace_back("certificates are of AWS Private CA, and cost what it costs");
  add_common_caveats(migration, objects, nodes);
  return migration;
}

Result<Migration> migrate_to_lattice(const std::vector<AppMeshObject>& objects, const LatticeTarget& target) {
  if (plain_name(target.network) != target.network || target.network.empty()) {
    return Error(Code::kInvalid, "the network's name has lower-case letters, digits and hyphens");
  }
  if (!target.vpc_id.starts_with("vpc-")) return Error(Code::kInvalid, "the VPC isn't named as vpc-…");
  CLOISTER_RETURN_IF_ERROR(expect_arn(target.certificate_arn, "the certificate"));
  CLOISTER_TRY(const std::vector<Node> nodes, nodes_of(objects));
  Migration migration;
  Object resources;
  resources.emplace_back("Network", typed("ServiceNetwork", {{"Name", target.network}, {"AuthType", "AWS_IAM"}}));
  resources.emplace_back(
      "NetworkVpc", typed("ServiceNetworkVpcAssociation", {{"ServiceNetworkIdentifier", reference("Network", "Arn")},
                                                           {"VpcIdentifier", target.vpc_id}}));
  for (const Node& node : nodes) {
    for (const Port& port : node.ports) {
      if (port.protocol == "tcp") {
        migration.caveats.push_back(node.name +
                                    " speaks TCP: Lattice needs a resource configuration or TLS_PASSTHROUGH for it");
      } else {
        add_lattice_service(resources, node, port, target);
      }
    }
  }
  migration.document = Object{{"AWSTemplateFormatVersion", "2010-09-09"}, {"Resources", std::move(resources)}};
  migration.caveats.emplace_back(
      "TLS ends at Lattice and begins again: it isn't end to end, and clients are known by IAM, not by certificate");
  migration.caveats.emplace_back("targets must serve HTTPS themselves; Lattice doesn't verify their certificates");
  migration.caveats.emplace_back("with AuthType AWS_IAM nothing is allowed until an auth policy says so");
  add_common_caveats(migration, objects, nodes);
  return migration;
}

}  // namespace cloister::mesh
