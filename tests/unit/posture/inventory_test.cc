// Declared against seen, both ways; what nobody looked for is neither.
#include "posture/inventory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cloister::posture {
namespace {

constexpr Time kNow{1'795'000'000'000};

Estate estate() {
  const Result<Estate> parsed = parse_estate(R"(version = 1
id = "a"
home_owner = "security"
[[location]]
name = "weights"
address = "file:/srv/models"
kind = "model"
owner = "ml"
environment = "production"
sensitivity = "internal"
[[location]]
name = "corpus"
address = "s3://bucket/v3"
kind = "training-data"
[[workload]]
name = "serving"
use = "inference"
[[endpoint]]
name = "api"
address = "api.example:443"
[[component]]
name = "serving"
address = "10.0.0.0/24"
[[component]]
name = "gateway"
address = "10.0.1.0/24"
[[edge]]
from = "gateway"
to = "serving"
port = 8443
)",
                                             "x.toml");
  CLOISTER_CHECK(parsed.ok());
  return *parsed;
}

Fact storage(std::string id) {
  Fact fact;
  fact.kind = "storage.encryption";
  fact.subject = {SubjectKind::kLocation, std::move(id)};
  fact.collector = "test/1";
  fact.at = kNow;
  fact.valid_until = kNow + hours(1);
  fact.values = {{"encrypted", std::string("yes")}};
  return fact;
}

Fact edge(std::string id, std::string verdict) {
  Fact fact = storage({});
  fact.kind = "path.edge";
  fact.subject = {SubjectKind::kEdge, std::move(id)};
  fact.values = {{"verdict", std::move(verdict)}};
  return fact;
}

const Fact* entry(const std::vector<Fact>& facts, SubjectKind kind, std::string_view id) {
  const auto found = std::ranges::find_if(facts, [&](const Fact& fact) {
    return fact.kind == "inventory.entry" && fact.subject.kind == kind && fact.subject.id == id;
  });
  return found == facts.end() ? nullptr : &*found;
}

const Fact& scope_of(const std::vector<Fact>& facts) { return facts.back(); }

TEST(InventoryTest, DeclaredAndSeen) {
  const std::vector<Fact> seen = {storage("weights")};
  const auto facts = inventory_facts(estate(), seen, kNow);
  const Fact* found = entry(facts, SubjectKind::kLocation, "weights");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->truth("declared"), true);
  EXPECT_EQ(found->truth("observed"), true);
  EXPECT_EQ(*found->text("owner"), "ml");
  EXPECT_EQ(*found->text("sensitivity"), "internal");
  EXPECT_EQ(*found->text("address"), "file:/srv/models");
  EXPECT_EQ(found->valid_until, kNow + hours(1)) << "no longer than what it rests on";
}

TEST(InventoryTest, NobodyLookedIsNotAssessed) {
  const auto facts = inventory_facts(estate(), {}, kNow);
  for (const auto& [kind, id] : {std::pair{SubjectKind::kLocation, "weights"},
                                 {SubjectKind::kWorkload, "serving"},
                                 {SubjectKind::kEndpoint, "api"},
                                 {SubjectKind::kEdge, "gateway>serving/tcp/8443"}}) {
    const Fact* found = entry(facts, kind, id);
    ASSERT_NE(found, nullptr) << id;
    EXPECT_TRUE(found->not_assessed.has_value()) << id;
  }
  EXPECT_TRUE(scope_of(facts).not_assessed.has_value());
}

TEST(InventoryTest, FactThatCouldNotLookShowsNothing) {
  std::vector<Fact> seen = {storage("weights"), storage("corpus")};
  seen[0].values.clear();
  seen[0].not_assessed = "permission denied";
  seen[1].valid_until = kNow + Duration{-1};
  const auto facts = inventory_facts(estate(), seen, kNow);
  EXPECT_TRUE(entry(facts, SubjectKind::kLocation, "weights")->not_assessed.has_value());
  EXPECT_TRUE(entry(facts, SubjectKind::kLocation, "corpus")->not_assessed.has_value()) << "too old";
}

TEST(InventoryTest, RecordsAreNoSight) {
  std::vector<Fact> seen = {storage("weights")};
  seen[0].kind = "record";
  EXPECT_TRUE(
      entry(inventory_facts(estate(), seen, kNow), SubjectKind::kLocation, "weights")->not_assessed.has_value());
}

TEST(InventoryTest, DeclaredAndAbsent) {
  const std::vector<Fact> seen = {
      absent_fact("test/1", "", {SubjectKind::kLocation, "weights"}, "file:/srv/models", kNow)};
  const auto facts = inventory_facts(estate(), seen, kNow);
  const Fact* found = entry(facts, SubjectKind::kLocation, "weights");
  EXPECT_EQ(found->truth("declared"), true);
  EXPECT_EQ(found->truth("observed"), false);
}

TEST(InventoryTest, SeenAndUndeclared) {
  const std::vector<Fact> seen = {storage("file:/data"), storage("s3://other"),
                                  edge("gateway>10.9.9.9/tcp/80", "plaintext-seen")};
  const auto facts = inventory_facts(estate(), seen, kNow);
  for (const char* id : {"file:/data", "s3://other"}) {
    const Fact* found = entry(facts, SubjectKind::kLocation, id);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->truth("declared"), false) << id;
    EXPECT_EQ(found->truth("observed"), true) << id;
  }
  EXPECT_EQ(entry(facts, SubjectKind::kEdge, "gateway>10.9.9.9/tcp/80")->truth("declared"), false);
}

TEST(InventoryTest, NameThatOnlyBeginsTheSameIsAnotherPlace) {
  const std::vector<Fact> seen = {storage("file:/srv/models-old")};
  const auto facts = inventory_facts(estate(), seen, kNow);
  EXPECT_EQ(entry(facts, SubjectKind::kLocation, "file:/srv/models-old")->truth("declared"), false);
  EXPECT_TRUE(entry(facts, SubjectKind::kLocation, "weights")->not_assessed.has_value());
}

TEST(InventoryTest, InsideAndAroundADeclaredLocation) {
  const std::vector<Fact> seen = {storage("file:/srv/models/a"), storage("s3://bucket")};
  const auto facts = inventory_facts(estate(), seen, kNow);
  EXPECT_EQ(entry(facts, SubjectKind::kLocation, "file:/srv/models/a")->truth("declared"), true);
  EXPECT_EQ(entry(facts, SubjectKind::kLocation, "weights")->truth("observed"), true) << "what it holds was seen";
  EXPECT_EQ(entry(facts, SubjectKind::kLocation, "s3://bucket")->truth("declared"), true);
  EXPECT_TRUE(entry(facts, SubjectKind::kLocation, "corpus")->not_assessed.has_value())
      << "a bucket doesn't show that a prefix of it is there";
}

TEST(InventoryTest, EdgeSeenShowsItsEnds) {
  const std::vector<Fact> seen = {edge("gateway>serving/tcp/8443", "observed")};
  const auto facts = inventory_facts(estate(), seen, kNow);
  EXPECT_EQ(entry(facts, SubjectKind::kEdge, "gateway>serving/tcp/8443")->truth("observed"), true);
  EXPECT_EQ(entry(facts, SubjectKind::kWorkload, "serving")->truth("observed"), true);
}

TEST(InventoryTest, EdgeByConfigurationAloneWasNotSeen) {
  for (const char* verdict : {"unknown", "configured", "provider-only"}) {
    const std::vector<Fact> seen = {edge("gateway>serving/tcp/8443", verdict)};
    const auto facts = inventory_facts(estate(), seen, kNow);
    EXPECT_TRUE(entry(facts, SubjectKind::kEdge, "gateway>serving/tcp/8443")->not_assessed.has_value()) << verdict;
  }
}

TEST(InventoryTest, KeysOfTheHomeAreInItsRegister) {
  std::vector<Fact> seen = {storage({}), storage({})};
  for (Fact& fact : seen) fact.kind = "key.posture";
  seen[0].subject = {SubjectKind::kKey, "cloister:0123"};
  seen[1].subject = {SubjectKind::kKey, "arn:aws:kms:x:1:key/k"};
  Estate declared = estate();
  auto facts = inventory_facts(declared, seen, kNow);
  EXPECT_EQ(entry(facts, SubjectKind::kKey, "cloister:0123")->truth("declared"), true);
  EXPECT_EQ(*entry(facts, SubjectKind::kKey, "cloister:0123")->text("owner"), "security");
  EXPECT_EQ(entry(facts, SubjectKind::kKey, "arn:aws:kms:x:1:key/k")->truth("declared"), false);
  declared.home_owner.clear();
  facts = inventory_facts(declared, seen, kNow);
  EXPECT_EQ(entry(facts, SubjectKind::kKey, "cloister:0123")->truth("declared"), false) << "nobody answers for it";
}

TEST(InventoryTest, ScopeSaysWhatWasNotRead) {
  const std::vector<Fact> seen = {source_fact("local-host/1", "uid 0", "mounts", 3, kNow),
                                  unread_source_fact("sockets/1", "this network namespace", "permission denied", kNow)};
  const auto facts = inventory_facts(estate(), seen, kNow);
  const Fact& scope = scope_of(facts);
  EXPECT_EQ(scope.kind, "inventory.scope");
  EXPECT_EQ(scope.list("read")->front(), "mounts, uid 0");
  EXPECT_EQ(scope.list("unread")->front(), "this network namespace: permission denied");
}

}  // namespace
}  // namespace cloister::posture
