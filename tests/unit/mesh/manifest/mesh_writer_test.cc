// Plans and what is written from them: no finding of our own audit, and exactly the callers that were named.
#include "mesh/manifest/mesh_writer.h"

#include <gtest/gtest.h>

#include "mesh/manifest/audit.h"
#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr const char* kPlan = R"(
trust_domain = "prod.example"
[[service]]
name = "vllm"
namespace = "inference"
service_account = "engine"
labels = ["app=vllm", "tier=gpu"]
ports = [8000, 29500]
callers = ["edge/gateway", "spiffe://partner.example/team/a"]
[[service]]
name = "lonely"
namespace = "batch"
ports = [9000]
[[external]]
host = "models.example.com"
)";

const std::string kService = "[[service]]\nname = \"a\"\nnamespace = \"b\"\nports = [1]\n";

Manifests manifests_of(const std::string& text) {
  Manifests manifests;
  manifests.resources = value_of(read_manifest("written", text));
  return manifests;
}

void expect_clean(const std::string& text) {
  const Manifests manifests = manifests_of(text);
  for (const Finding& finding : audit_manifests(manifests, {Time{0}, "default", ""}).findings) {
    ADD_FAILURE() << finding.rule->id << " " << finding.subject << ": " << finding.what;
  }
}

const Resource& resource(const Manifests& manifests, std::string_view kind, std::string_view name) {
  for (const Resource& one : manifests.resources) {
    if (one.kind == kind && one.name == name) return one;
  }
  ADD_FAILURE() << kind << " " << name << " is missing";
  return manifests.resources.front();
}

TEST(MeshWriterTest, OurOwnAuditFindsNothing) {
  const MeshPlan plan = value_of(parse_mesh_plan(kPlan));
  expect_clean(write_istio(plan, IstioKind::kSidecar));
  expect_clean(write_istio(plan, IstioKind::kAmbient));
  expect_clean(write_istio(plan, IstioKind::kSidecar) + "---\n" + write_istio_values(plan));
  expect_clean(write_linkerd(plan) + "---\n" + write_linkerd_values(plan));
  expect_clean(write_consul(plan));
}

TEST(MeshWriterTest, IstioNamesExactlyTheCallers) {
  const Manifests written = manifests_of(write_istio(value_of(parse_mesh_plan(kPlan)), IstioKind::kSidecar));
  const YamlValue& rules = resource(written, "AuthorizationPolicy", "vllm").spec().at("rules");
  ASSERT_EQ(rules.items.size(), 1u);
  const YamlValue& principals = rules.items[0].at("from").items[0].under("source.principals");
  ASSERT_EQ(principals.items.size(), 2u);
  EXPECT_EQ(principals.items[0].text, "prod.example/ns/edge/sa/gateway");
  EXPECT_EQ(principals.items[1].text, "partner.example/team/a");
  EXPECT_EQ(rules.items[0].at("to").items[0].under("operation.ports").items[1].text, "29500");
  EXPECT_TRUE(resource(written, "AuthorizationPolicy", "allow-nothing").spec().members.empty());
  for (const Resource& one : written.resources) EXPECT_NE(one.name, "lonely") << "nobody may call it";
}

TEST(MeshWriterTest, LinkerdNamesExactlyTheCallers) {
  const Manifests written = manifests_of(write_linkerd(value_of(parse_mesh_plan(kPlan))));
  const YamlValue& callers = resource(written, "MeshTLSAuthentication", "vllm-callers").spec();
  EXPECT_EQ(callers.at("identityRefs").items[0].at("name").text, "gateway");
  EXPECT_EQ(callers.at("identityRefs").items[0].at("namespace").text, "edge");
  EXPECT_EQ(callers.at("identities").items[0].text, "spiffe://partner.example/team/a");
  EXPECT_EQ(resource(written, "Server", "lonely-9000").spec().at("accessPolicy").text, "deny");
  EXPECT_EQ(resource(written, "EgressNetwork", "outside").spec().at("trafficPolicy").text, "Deny");
}

TEST(MeshPlanTest, WhatIsLeftOut) {
  const MeshPlan plan = value_of(parse_mesh_plan(kService));
  EXPECT_EQ(plan.trust_domain, "cluster.local");
  EXPECT_EQ(plan.root_namespace, "istio-system");
  EXPECT_EQ(plan.services[0].service_account, "a");
  EXPECT_EQ(plan.services[0].labels.at("app"), "a");
  EXPECT_TRUE(plan.services[0].callers.empty());
}

TEST(MeshPlanTest, WhatIsNoPlan) {
  expect_refused(parse_mesh_plan(""), Code::kInvalid, "no [[service]]");
  expect_refused(parse_mesh_plan("x = 1\n"), Code::kInvalid, "x");
  expect_refused(parse_mesh_plan("[[server]]\n"), Code::kInvalid, "[[service]] and [[external]]");
  expect_refused(parse_mesh_plan(kService + kService), Code::kInvalid, "twice");
  expect_refused(parse_mesh_plan("trust_domain = \"a/b\"\n" + kService), Code::kInvalid, "line 1");
  expect_refused(parse_mesh_plan(kService + "colour = \"red\"\n"), Code::kInvalid, "colour");
  expect_refused(parse_mesh_plan("[[service]]\nname = \"A\"\nnamespace = \"b\"\nports = [1]\n"), Code::kInvalid,
                 "name isn't");
  expect_refused(parse_mesh_plan("[[service]]\nname = \"a\\nb\"\nnamespace = \"b\"\nports = [1]\n"), Code::kInvalid,
                 "name isn't");
}

TEST(MeshPlanTest, PortsCallersAndHosts) {
  const std::string begin = "[[service]]\nname = \"a\"\nnamespace = \"b\"\n";
  expect_refused(parse_mesh_plan(begin), Code::kInvalid, "ports is a list");
  expect_refused(parse_mesh_plan(begin + "ports = [0]\n"), Code::kInvalid, "1 to 65535");
  expect_refused(parse_mesh_plan(begin + "ports = [65536]\n"), Code::kInvalid, "1 to 65535");
  expect_refused(parse_mesh_plan(begin + "ports = [1, 1]\n"), Code::kInvalid, "twice");
  expect_refused(parse_mesh_plan(kService + "callers = [\"gateway\"]\n"), Code::kInvalid, "NAMESPACE/SERVICE-ACCOUNT");
  expect_refused(parse_mesh_plan(kService + "callers = [\"*\"]\n"), Code::kInvalid, "NAMESPACE/SERVICE-ACCOUNT");
  expect_refused(parse_mesh_plan(kService + "callers = [\"spiffe://a.example\"]\n"), Code::kInvalid, "no caller");
  expect_refused(parse_mesh_plan(kService + "callers = [\"spiffe://a.example/../b\"]\n"), Code::kInvalid, "line 5");
  expect_refused(parse_mesh_plan(kService + "labels = [\"app\"]\n"), Code::kInvalid, "name=value");
  expect_refused(parse_mesh_plan(kService + "[[external]]\nhost = \"a..b\"\n"), Code::kInvalid, "host");
  expect_refused(parse_mesh_plan(kService + "[[external]]\nhost = \"*\"\n"), Code::kInvalid, "host");
}

}  // namespace
}  // namespace cloister::mesh
