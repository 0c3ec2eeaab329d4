// What manifests and ports say of workloads in a mesh, and what neither says.
#include "posture/collect/mesh/mesh_collector.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'795'000'000'000};  // 2026-11-18T11:06:40Z

std::string workload(const std::string& name, const std::string& mode, const std::string& ports = "",
                     const std::string& account = R"("service_account":"default",)") {
  return R"({"namespace":"prod","kind":"Deployment","name":")" + name + "\"," + account + R"("mesh":"istio","mode":")" +
         mode + R"(","ports":{)" + ports + R"(},"because":"x","file":"f","line":1})";
}

std::string audit(const std::string& workloads, const std::string& findings = "", const std::string& unread = "",
                  const std::string& time = "2026-11-18T10:00:00.000Z") {
  return R"({"format":"cloister-mesh-audit/1","time":")" + time + R"(","files":1,"resources":1,"counts":{},)" +
         R"("findings":[)" + findings + R"(],"workloads":[)" + workloads + R"(],"unread":[)" + unread + "]}";
}

std::string scan(const std::string& plaintext, const std::string& span,
                 const std::string& time = "2026-11-18T10:05:00.000Z", const std::string& profile = "mesh-workload",
                 const std::string& address = "10.0.0.7:8443") {
  return R"({"format":"cloister-scan/1","version":"1","targets":[{"target":"vllm:8443","address":")" + address +
         R"(","time":")" + time + R"(","profile":")" + profile +
         R"(","grade":"A","score":95,"lost":[],"not_assessed":[],"facts":[)"
         R"({"check":"W2","subject":"plaintext answers","seen":")" +
         plaintext +
         R"(","detail":""},{"check":"W6","subject":"h2c","seen":"no","detail":""},)"
         R"({"check":"X3","subject":"valid","seen":"yes","detail":")" +
         span + R"("}]}]})";
}

const std::string kHour = "2026-11-18T09:50:00.000Z to 2026-11-18T10:50:00.000Z";
const std::string kLater = "2026-11-18T10:20:00.000Z to 2026-11-18T11:20:00.000Z";

struct Kept final : FactSink {
  std::vector<Fact> all;
  void add(Fact fact) override { all.push_back(std::move(fact)); }
};

struct MeshTest : ::testing::Test {
  Estate estate;

  MeshTest() {
    probe::path::Component component;
    component.name = "serving";
    component.workloads = {"prod/vllm"};
    component.addresses = {value_of(probe::path::Network::parse("10.0.0.0/24"))};
    estate.graph.components.push_back(std::move(component));
    Workload declared;
    declared.name = "serving";
    estate.workloads.push_back(std::move(declared));
  }
  std::vector<Fact> collect(const std::vector<std::string>& audits, const std::vector<std::string>& scans) {
    const auto files = [](const std::vector<std::string>& texts) {
      std::vector<InputFile> out;
      for (const std::string& text : texts) out.push_back({"x.json", text});
      return out;
    };
    Kept kept;
    CollectContext context;
    context.estate = &estate;
    context.now = kNow;
    MeshCollector(files(audits), files(scans)).collect(context, kept);
    return kept.all;
  }
  Fact only(const std::vector<std::string>& audits, const std::vector<std::string>& scans = {}) {
    const auto facts = collect(audits, scans);
    EXPECT_EQ(facts.size(), 1U);
    return facts.empty() ? Fact() : facts.front();
  }
};

TEST_F(MeshTest, AllOfIt) {
  const Fact fact = only({audit(workload("vllm", "strict", R"("8000":"strict")"))},
                         {scan("no", kHour), scan("no", kLater, "2026-11-18T10:25:00.000Z")});
  EXPECT_EQ(fact.kind, "mesh.policy");
  EXPECT_EQ(fact.subject.text(), "workload:serving");
  EXPECT_EQ(fact.truth("strict"), true);
  EXPECT_EQ(fact.truth("plaintext_refused"), true);
  EXPECT_EQ(fact.truth("rotation_seen"), true);
  EXPECT_EQ(fact.number("shared_identities"), 0);
  EXPECT_EQ(fact.number("svid_ttl_minutes"), 60);
}

TEST_F(MeshTest, OnePortThatIsPermissive) {
  EXPECT_EQ(only({audit(workload("vllm", "strict", R"("8000":"permissive")"))}).truth("strict"), false);
  EXPECT_EQ(only({audit(workload("vllm", "none"))}).truth("strict"), false);
  EXPECT_EQ(only({audit(workload("vllm", "unknown"))}).truth("strict"), std::nullopt);
  EXPECT_EQ(only({audit(workload("vllm", "splendid"))}).truth("strict"), std::nullopt);
}

TEST_F(MeshTest, TrafficThatIsLedAround) {
  const auto finding = [](const std::string& rule, const std::string& subject) {
    return R"({"rule":")" + rule + R"(","severity":"high","file":"f","line":1,"subject":")" + subject +
           R"(","what":"x","why":"x","fix":"x"})";
  };
  const std::string good = workload("vllm", "strict");
  EXPECT_EQ(only({audit(good, finding("I8", "Deployment prod/vllm"))}).truth("strict"), false);
  EXPECT_EQ(only({audit(good, finding("I8", "Deployment prod/vllm spec.template"))}).truth("strict"), false);
  const std::string two = good + "," + workload("vllm-canary", "strict");
  EXPECT_EQ(only({audit(two, finding("I8", "Deployment prod/vllm-canary"))}).truth("strict"), true);
  EXPECT_EQ(only({audit(good, finding("M3", "Deployment prod/vllm"))}).truth("strict"), true);
  for (const char* subject : {"IstioOperator istio-system/control-plane", "ConfigMap linkerd-config", "document",
                              "Namespace prod", "Service prod/api", "Service api", "Deployment vllm", ""}) {
    EXPECT_EQ(only({audit(good, finding("L4", subject))}).truth("strict"), false) << subject;
  }
  for (const char* subject : {"Namespace production", "Namespace pro", "Service other/api"}) {
    EXPECT_EQ(only({audit(good, finding("L4", subject))}).truth("strict"), true) << subject;
  }
}

TEST_F(MeshTest, ManifestThatCouldNotBeRead) {
  const std::string unread = R"({"file":"f","reason":"r"})";
  EXPECT_EQ(only({audit(workload("vllm", "strict"), "", unread)}).truth("strict"), std::nullopt);
  EXPECT_EQ(only({audit(workload("vllm", "disabled"), "", unread)}).truth("strict"), false);
  EXPECT_EQ(only({audit(workload("vllm", "strict"), "", unread)}).number("shared_identities"), std::nullopt);
  const std::string both = workload("vllm", "strict") + "," + workload("sidekick", "strict");
  EXPECT_EQ(only({audit(both, "", unread)}).number("shared_identities"), 1) << "what is bad is known";
}

TEST_F(MeshTest, WorkloadOfAComponentThatNobodyAudited) {
  estate.graph.components.front().workloads = {"prod/vllm", "prod/router"};
  const std::string router = workload("router", "strict", "", R"("service_account":"router",)");
  const std::string open = workload("router", "permissive", "", R"("service_account":"router",)");
  const Fact part = only({audit(workload("vllm", "strict"))});
  EXPECT_EQ(part.truth("strict"), std::nullopt);
  EXPECT_EQ(part.number("shared_identities"), std::nullopt);
  EXPECT_EQ(only({audit(workload("vllm", "none"))}).truth("strict"), false);
  const Fact whole = only({audit(workload("vllm", "strict")), audit(router)});
  EXPECT_EQ(whole.truth("strict"), true);
  EXPECT_EQ(whole.number("shared_identities"), 0);
  EXPECT_EQ(only({audit(workload("vllm", "strict") + "," + open)}).truth("strict"), false);
}

TEST_F(MeshTest, SharedIdentity) {
  const std::string both = workload("vllm", "strict") + "," + workload("sidekick", "strict");
  EXPECT_EQ(only({audit(both)}).number("shared_identities"), 1);
  EXPECT_EQ(only({audit(workload("vllm", "strict", "", ""))}).number("shared_identities"), std::nullopt)
      << "the audit doesn't say whose";
}

TEST_F(MeshTest, WhatPortsDo) {
  const std::string good = audit(workload("vllm", "strict"));
  EXPECT_EQ(only({good}, {scan("yes", kHour)}).truth("plaintext_refused"), false);
  EXPECT_EQ(only({good}, {scan("unknown", kHour)}).truth("plaintext_refused"), std::nullopt);
  EXPECT_EQ(only({good}, {scan("no", kHour), scan("unknown", kHour)}).truth("plaintext_refused"), std::nullopt);
  EXPECT_EQ(only({good}, {scan("no", kHour)}).truth("rotation_seen"), std::nullopt) << "one look shows none";
  EXPECT_EQ(only({good}, {scan("no", kHour), scan("no", kHour, "2026-11-18T10:25:00.000Z")}).truth("rotation_seen"),
            std::nullopt);
  EXPECT_EQ(only({good}, {scan("no", "expired: 2026-11-18T07:00:00.000Z to 2026-11-18T08:00:00.000Z")})
                .truth("rotation_seen"),
            false);
  EXPECT_EQ(only({}, {scan("no", kHour)}).truth("strict"), std::nullopt) << "nobody audited its manifests";
}

TEST_F(MeshTest, WhatSpeaksOfNoWorkload) {
  EXPECT_TRUE(collect({audit(workload("other", "strict"))}, {}).empty());
  EXPECT_TRUE(collect({}, {scan("no", kHour, "2026-11-18T10:05:00.000Z", "public-inference")}).empty());
  EXPECT_TRUE(collect({}, {scan("no", kHour, "2026-11-18T10:05:00.000Z", "mesh-workload", "192.0.2.1:443")}).empty());
  EXPECT_TRUE(collect({}, {scan("no", kHour, "2026-11-18T12:05:00.000Z")}).empty()) << "yet to come";
  EXPECT_TRUE(collect({}, {scan("no", kHour, "2026-11-01T10:05:00.000Z")}).empty()) << "too old";
}

TEST_F(MeshTest, WhatIsNoAudit) {
  for (const char* text : {"", "{}", R"({"format":"cloister-mesh-audit/1"})", R"({"format":"cloister-scan/1"})"}) {
    EXPECT_FALSE(parse_mesh_audit(text).ok()) << text;
    EXPECT_TRUE(only({text}).not_assessed) << text;
  }
  expect_refused(parse_mesh_audit(audit(R"({"name":"x"})")), Code::kInvalid, "no name");
  expect_refused(parse_mesh_audit(audit("", "", "", "soon")), Code::kInvalid, "");
}

}  // namespace
}  // namespace cloister::posture
