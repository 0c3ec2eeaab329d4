// From App Mesh to Service Connect and Lattice: what is carried over, what is said not to be, and what is refused.
#include "mesh/manifest/app_mesh_migration.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr const char* kTemplate = R"(
Resources:
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      VirtualNodeName: Model_API
      Spec:
        Listeners: [{PortMapping: {Port: 8080, Protocol: http2}}, {PortMapping: {Port: 9000, Protocol: tcp}}]
        ServiceDiscovery: {DNS: {Hostname: old.prod.local}}
  Service:
    Type: AWS::AppMesh::VirtualService
    Properties:
      VirtualServiceName: models.prod.local
      Spec: {Provider: {VirtualNode: {VirtualNodeName: Model_API}}}
  Router:
    Type: AWS::AppMesh::VirtualRouter
    Properties: {VirtualRouterName: split, Spec: {}}
)";

const std::string kAuthority = "arn:aws:acm-pca:eu-west-1:1:certificate-authority/a";
const std::string kRole = "arn:aws:iam::1:role/ecs";
const ServiceConnectTarget kServiceConnect{"prod", kAuthority, kRole, ""};
const LatticeTarget kLattice{"prod", "vpc-1", "arn:aws:acm:eu-west-1:1:certificate/a"};

bool has_caveat(const Migration& migration, std::string_view words) {
  return std::ranges::any_of(migration.caveats,
                             [words](const std::string& one) { return one.find(words) != std::string::npos; });
}

TEST(AppMeshMigrationTest, ServiceConnect) {
  const auto resources = value_of(read_manifest("t.yaml", kTemplate));
  const Migration migration = value_of(migrate_to_service_connect(app_mesh_objects(resources), kServiceConnect));
  const JsonValue& service = (*migration.document.find("services")->array())[0];
  EXPECT_EQ(*service.find("service")->string(), "model-api");
  const JsonValue& entry = (*service.find("serviceConnectConfiguration")->find("services")->array())[0];
  EXPECT_EQ(*entry.find("portName")->string(), "model-api-8080");
  EXPECT_EQ(*(*entry.find("clientAliases")->array())[0].find("dnsName")->string(), "models.prod.local");
  EXPECT_EQ(*entry.find("tls")->find("issuerCertificateAuthority")->find("awsPcaAuthorityArn")->string(), kAuthority);
  EXPECT_EQ(entry.find("tls")->find("kmsKey"), nullptr);
  EXPECT_EQ(*(*service.find("portMappings")->array())[0].find("appProtocol")->string(), "http2");
  EXPECT_EQ((*service.find("portMappings")->array())[1].find("appProtocol"), nullptr);
  EXPECT_TRUE(has_caveat(migration, "isn't mutual"));
  EXPECT_TRUE(has_caveat(migration, "weights"));
}

TEST(AppMeshMigrationTest, Lattice) {
  const auto resources = value_of(read_manifest("t.yaml", kTemplate));
  const Migration migration = value_of(migrate_to_lattice(app_mesh_objects(resources), kLattice));
  const JsonValue& made = *migration.document.find("Resources");
  EXPECT_EQ(*made.find("Network")->find("Properties")->find("AuthType")->string(), "AWS_IAM");
  EXPECT_EQ(*made.find("ModelApi8080Listener")->find("Properties")->find("Protocol")->string(), "HTTPS");
  EXPECT_EQ(*made.find("ModelApi8080Targets")->find("Properties")->find("Config")->find("Protocol")->string(), "HTTPS");
  EXPECT_EQ(made.find("ModelApi9000Service"), nullptr);
  EXPECT_TRUE(has_caveat(migration, "speaks TCP"));
  EXPECT_TRUE(has_caveat(migration, "isn't end to end"));
}

TEST(AppMeshMigrationTest, OnKubernetesServiceConnectIsNoHelp) {
  const auto resources = value_of(read_manifest(
      "k.yaml",
      "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualNode\nmetadata: {name: a}\nspec: {listeners: []}\n"));
  const Migration migration = value_of(migrate_to_service_connect(app_mesh_objects(resources), kServiceConnect));
  EXPECT_TRUE(has_caveat(migration, "Service Connect is for ECS"));
  EXPECT_TRUE(has_caveat(migration, "no listener"));
}

TEST(AppMeshMigrationTest, WhatIsRefused) {
  const auto resources = value_of(read_manifest("t.yaml", kTemplate));
  const auto objects = app_mesh_objects(resources);
  expect_refused(migrate_to_service_connect({}, kServiceConnect), Code::kNotFound, "no virtual node");
  expect_refused(migrate_to_service_connect(objects, {"", kAuthority, kRole, ""}), Code::kInvalid, "namespace");
  expect_refused(migrate_to_service_connect(objects, {"prod", "ca", kRole, ""}), Code::kInvalid, "authority");
  expect_refused(migrate_to_service_connect(objects, {"prod", kAuthority, "", ""}), Code::kInvalid, "role");
  expect_refused(migrate_to_lattice(objects, {"Prod", "vpc-1", kLattice.certificate_arn}), Code::kInvalid, "network");
  expect_refused(migrate_to_lattice(objects, {"prod", "1", kLattice.certificate_arn}), Code::kInvalid, "VPC");
  expect_refused(migrate_to_lattice(objects, {"prod", "vpc-1", ""}), Code::kInvalid, "certificate");
  const auto bad = value_of(read_manifest("k.yaml",
                                          "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualNode\nmetadata: {name: "
                                          "a}\nspec: {listeners: [{portMapping: {port: x}}]}\n"));
  expect_refused(migrate_to_service_connect(app_mesh_objects(bad), kServiceConnect), Code::kInvalid,
                 "line 1: a listener");
}

}  // namespace
}  // namespace cloister::mesh
