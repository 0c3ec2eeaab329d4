#include "kms/posture.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cloister::kms {
namespace {

TEST(PostureJson, NothingAskedForIsNotAssessed) {
  KeyPosture posture;
  posture.key = "key-1";
  const auto json = parse_json(to_json(posture)).value();
  EXPECT_EQ(*json.find("key")->string(), "key-1");
  EXPECT_TRUE(json.find("algorithm")->is_null());
  for (const char* member : {"managed_by", "origin", "protection", "state", "created", "rotation", "last_rotated",
                             "deletion_scheduled", "exportable", "last_used", "versions", "policy_findings"}) {
    ASSERT_NE(json.find(member), nullptr) << member;
    ASSERT_NE(json.find(member)->find("not_assessed"), nullptr) << member;
    EXPECT_EQ(*json.find(member)->find("not_assessed")->string(), "not asked for");
  }
}

TEST(PostureJson, EveryFact) {
  const Time made{1'790'000'000'000};
  KeyPosture posture;
  posture.key = "arn:aws:kms:eu-west-1:1:key/2";
  posture.managed_by = ManagedBy::kCustomer;
  posture.origin = KeyOrigin::kImported;
  posture.protection = ProtectionLevel::kHsm;
  posture.state = ProviderKeyState::kPendingDeletion;
  posture.algorithm = "SYMMETRIC_DEFAULT";
  posture.created = std::optional<Time>(made);
  posture.rotation = RotationPosture{true, days(90), std::nullopt};
  posture.last_rotated = std::optional<Time>();
  posture.deletion_scheduled = std::optional<Time>(made + days(7));
  posture.exportable = false;
  posture.versions = std::vector<ProviderKeyVersion>{
      {"v1", made, ProviderKeyState::kEnabled}, {"v2", std::nullopt, Assessed<ProviderKeyState>::not_assessed("x")}};
  posture.policy_findings = std::vector<PolicyFinding>{PolicyFinding::kWildcardAction};
  EXPECT_EQ(to_json(posture),
            R"({"key":"arn:aws:kms:eu-west-1:1:key/2","managed_by":"customer","origin":"imported","protection":"hsm",)"
            R"("state":"pending-deletion","algorithm":"SYMMETRIC_DEFAULT","created":"2026-09-21T14:13:20.000Z",)"
            R"("rotation":{"automatic":true,"period_seconds":7776000,"next":null},"last_rotated":null,)"
            R"("deletion_scheduled":"2026-09-28T14:13:20.000Z","exportable":false,)"
            R"("last_used":{"not_assessed":"not asked for"},"versions":[{"name":"v1",)"
            R"("created":"2026-09-21T14:13:20.000Z","state":"enabled"},{"name":"v2","created":null,)"
            R"("state":{"not_assessed":"x"}}],"policy_findings":["wildcard-action"]})");
}

TEST(PostureJson, NamesThatAreNotUtf8) {
  KeyPosture posture;
  posture.key = "bad \xff name";
  const auto json = parse_json(to_json(posture));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*json->find("key")->string(), "bad \xEF\xBF\xBD name");
}

}  // namespace
}  // namespace cloister::kms
