// Keys as AWS's clients manage them: made, described, listed, named, tagged, rotated, switched off and destroyed.
#include "tests/unit/service/aws/aws_harness.h"

namespace cloister::service::aws {
namespace {

class KeyOperationsTest : public ::testing::Test {
 protected:
  Json describe(const std::string& key) { return aws_.good("DescribeKey", {{"KeyId", key}})["KeyMetadata"]; }
  AwsHarness aws_;
};

TEST_F(KeyOperationsTest, CreateAndDescribe) {
  const Json made = aws_.good("CreateKey", {{"Description", "for backups"}})["KeyMetadata"];
  const std::string id = made["KeyId"];
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(made["KeyState"], "Enabled");
  EXPECT_EQ(made["KeyManager"], "CUSTOMER");
  EXPECT_EQ(made["KeySpec"], "SYMMETRIC_DEFAULT");
  EXPECT_EQ(made["Description"], "for backups");
  EXPECT_EQ(made["AWSAccountId"].get<std::string>().size(), 12U);
  EXPECT_EQ(describe(id), made);
  EXPECT_EQ(describe(made["Arn"]), made);
  EXPECT_EQ(aws_.home.last_event().action, "dataset.show");
}

TEST_F(KeyOperationsTest, WhatIsNotMadeHere) {
  for (const Json& body : {Json{{"KeySpec", "SM2"}}, Json{{"Origin", "EXTERNAL"}}, Json{{"MultiRegion", true}},
                           Json{{"Policy", "{}"}}, Json{{"CustomKeyStoreId", "cks-1"}}}) {
    expect_fault(aws_.call("CreateKey", body), "UnsupportedOperationException");
  }
  expect_fault(aws_.call("CreateKey", {{"KeySpec", "HMAC_256"}}), "ValidationException");
  expect_fault(aws_.call("CreateKey", {{"KeyUsage", "SIGN_VERIFY"}}), "ValidationException");
  expect_fault(aws_.call("CreateKey", {{"Tags", {{{"TagKey", "cloister:dataset"}, {"TagValue", "A b"}}}}}),
               "ValidationException");
  EXPECT_TRUE(testing::value_of(aws_.home.keys->store().datasets("acme", "")).empty());
}

TEST_F(KeyOperationsTest, ADatasetIsAKeyWithItsNameAsAlias) {
  EXPECT_TRUE(aws_.home.keys->create_dataset({"acme", "", "mnist"}, Harness::caller()).ok());
  const Json described = describe("alias/mnist");
  EXPECT_EQ(described["KeyState"], "Enabled");
  const Json listed = aws_.good("ListKeys", Json::object());
  ASSERT_EQ(listed["Keys"].size(), 1U);
  EXPECT_EQ(listed["Keys"][0]["KeyId"], described["KeyId"]);
  expect_fault(aws_.call("CreateKey", {{"Tags", {{{"TagKey", "cloister:dataset"}, {"TagValue", "mnist"}}}}}),
               "AlreadyExistsException");
}

TEST_F(KeyOperationsTest, ListsAreCutIntoPages) {
  for (int i = 0; i < 5; ++i) aws_.make_key();
  std::set<std::string> ids;
  Json body{{"Limit", 2}};
  int pages = 0;
  while (true) {
    const Json page = aws_.good("ListKeys", body);
    for (const Json& key : page["Keys"]) ids.insert(key["KeyId"].get<std::string>());
    ++pages;
    if (!page["Truncated"].get<bool>()) break;
    body["Marker"] = page["NextMarker"];
  }
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_EQ(pages, 3);
  expect_fault(aws_.call("ListKeys", {{"Limit", 0}}), "ValidationException");
}

TEST_F(KeyOperationsTest, StatesAndWhatTheyRefuse) {
  const std::string key = aws_.make_key();
  const Json of{{"KeyId", key}};
  aws_.good("DisableKey", of);
  EXPECT_EQ(describe(key)["KeyState"], "Disabled");
  aws_.good("DisableKey", of);
  expect_fault(aws_.call("CancelKeyDeletion", of), "KMSInvalidStateException");
  expect_fault(aws_.call("ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 6}}), "ValidationException");
  const Json scheduled = aws_.good("ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 8}});
  EXPECT_EQ(scheduled["KeyState"], "PendingDeletion");
  EXPECT_EQ(describe(key)["KeyState"], "PendingDeletion");
  EXPECT_EQ(describe(key)["DeletionDate"], scheduled["DeletionDate"]);
  for (const char* operation : {"EnableKey", "DisableKey", "ScheduleKeyDeletion", "RotateKeyOnDemand"}) {
    expect_fault(aws_.call(operation, of), "KMSInvalidStateException");
    EXPECT_EQ(aws_.home.last_event().outcome, audit::Outcome::kRefused);
  }
  aws_.good("CancelKeyDeletion", of);
  aws_.good("EnableKey", of);
  EXPECT_EQ(describe(key)["KeyState"], "Enabled");
}

TEST_F(KeyOperationsTest, DestroyedWhenItsTimeHasCome) {
  const std::string key = aws_.make_key();
  const std::string blob = aws_.good("Encrypt", {{"KeyId", key}, {"Plaintext", base64_of("gone")}})["CiphertextBlob"];
  aws_.good("ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 7}});
  const auto due = [&](Duration later) {
    return testing::value_of(aws_.managed->do_due(*aws_.home.keys, {"cloisterd", aws_.home.now.load() + later}));
  };
  EXPECT_TRUE(due(days(6)).destroyed.empty());
  EXPECT_EQ(due(days(8)).destroyed.size(), 1U);
  EXPECT_TRUE(due(days(8)).destroyed.empty());
  expect_fault(aws_.call("Decrypt", {{"CiphertextBlob", blob}}), "KMSInvalidStateException");
  expect_fault(aws_.call("CancelKeyDeletion", {{"KeyId", key}}), "KMSInvalidStateException");
  const auto datasets = testing::value_of(aws_.home.keys->store().datasets("acme", ""));
  const auto outline = testing::value_of(seal::parse_keyring(datasets[0].keyring));
  ASSERT_EQ(outline.keys.size(), 2U);
  EXPECT_EQ(outline.keys[0].state, seal::DatasetKeyState::kDestroyed);
}

TEST_F(KeyOperationsTest, Aliases) {
  const std::string first = aws_.make_key(), second = aws_.make_key();
  const std::string mac = aws_.make_key({{"KeySpec", "HMAC_256"}, {"KeyUsage", "GENERATE_VERIFY_MAC"}});
  aws_.good("CreateAlias", {{"AliasName", "alias/app/main"}, {"TargetKeyId", first}});
  EXPECT_EQ(describe("alias/app/main")["KeyId"], first);
  expect_fault(aws_.call("CreateAlias", {{"AliasName", "alias/app/main"}, {"TargetKeyId", second}}),
               "AlreadyExistsException");
  aws_.good("UpdateAlias", {{"AliasName", "alias/app/main"}, {"TargetKeyId", second}});
  EXPECT_EQ(describe("alias/app/main")["KeyId"], second);
  expect_fault(aws_.call("UpdateAlias", {{"AliasName", "alias/app/main"}, {"TargetKeyId", mac}}),
               "ValidationException");
  expect_fault(aws_.call("UpdateAlias", {{"AliasName", "alias/none"}, {"TargetKeyId", second}}), "NotFoundException");
  const Json listed = aws_.good("ListAliases", {{"KeyId", second}});
  ASSERT_EQ(listed["Aliases"].size(), 2U);
  EXPECT_EQ(listed["Aliases"][0]["AliasName"], "alias/app/main");
  for (const char* name : {"app", "alias/", "alias/aws/s3", "alias/a b"}) {
    expect_fault(aws_.call("CreateAlias", {{"AliasName", name}, {"TargetKeyId", first}}), "ValidationException");
  }
  aws_.good("DeleteAlias", {{"AliasName", "alias/app/main"}});
  expect_fault(aws_.call("DescribeKey", {{"KeyId", "alias/app/main"}}), "NotFoundException");
  expect_fault(aws_.call("DeleteAlias", {{"AliasName", "alias/app/main"}}), "NotFoundException");
}

TEST_F(KeyOperationsTest, RotationInTime) {
  const std::string key = aws_.make_key();
  EXPECT_EQ(aws_.good("GetKeyRotationStatus", {{"KeyId", key}})["KeyRotationEnabled"], false);
  expect_fault(aws_.call("EnableKeyRotation", {{"KeyId", key}, {"RotationPeriodInDays", 89}}), "ValidationException");
  aws_.good("EnableKeyRotation", {{"KeyId", key}, {"RotationPeriodInDays", 90}});
  const Json status = aws_.good("GetKeyRotationStatus", {{"KeyId", key}});
  EXPECT_EQ(status["RotationPeriodInDays"], 90);
  const auto due = [&](Duration later) {
    return testing::value_of(aws_.managed->do_due(*aws_.home.keys, {"cloisterd", aws_.home.now.load() + later}));
  };
  EXPECT_TRUE(due(days(89)).rotated.empty());
  EXPECT_EQ(due(days(91)).rotated.size(), 1U);
  EXPECT_TRUE(due(days(91)).rotated.empty());
  aws_.good("RotateKeyOnDemand", {{"KeyId", key}});
  const Json rotations = aws_.good("ListKeyRotations", {{"KeyId", key}})["Rotations"];
  ASSERT_EQ(rotations.size(), 2U);
  EXPECT_EQ(rotations[0]["RotationType"], "AUTOMATIC");
  EXPECT_EQ(rotations[1]["RotationType"], "ON_DEMAND");
  EXPECT_EQ(
      aws_.good("ListKeyRotations", {{"KeyId", key}, {"IncludeKeyMaterial", "ALL_KEY_MATERIAL"}})["Rotations"].size(),
      3U);
  aws_.good("DisableKeyRotation", {{"KeyId", key}});
  EXPECT_TRUE(due(days(400)).rotated.empty());
  aws_.good("DisableKey", {{"KeyId", key}});
  expect_fault(aws_.call("RotateKeyOnDemand", {{"KeyId", key}}), "DisabledException");
}

TEST_F(KeyOperationsTest, Tags) {
  const std::string key = aws_.make_key({{"Tags", {{{"TagKey", "team"}, {"TagValue", "ml"}}}}});
  aws_.good("TagResource", {{"KeyId", key}, {"Tags", {{{"TagKey", "cost"}, {"TagValue", "7"}}}}});
  aws_.good("UntagResource", {{"KeyId", key}, {"TagKeys", {"team"}}});
  const Json tags = aws_.good("ListResourceTags", {{"KeyId", key}})["Tags"];
  ASSERT_EQ(tags.size(), 1U);
  EXPECT_EQ(tags[0]["TagKey"], "cost");
  expect_fault(aws_.call("TagResource", {{"KeyId", key}, {"Tags", {{{"TagKey", ""}, {"TagValue", "7"}}}}}),
               "ValidationException");
}

}  // namespace
}  // namespace cloister::service::aws
