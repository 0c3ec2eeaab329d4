// What the provider tells of a key, from recorded answers shaped as AWS's API reference has them.
#include <gtest/gtest.h>

#include "kms/aws/aws_posture.h"
#include "tests/support/expect.h"
#include "tests/unit/kms/aws/aws_parts.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kKey(kArn);

constexpr std::string_view kMetadata = R"({"KeyMetadata":{"AWSAccountId":"111122223333",
  "Arn":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","CreationDate":1.5E9,
  "CurrentKeyMaterialId":"cccc","CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","Description":"","Enabled":true,
  "EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","KeyManager":"CUSTOMER",
  "KeySpec":"SYMMETRIC_DEFAULT","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false,
  "Origin":"AWS_KMS"}})";
constexpr std::string_view kRotation = R"({"KeyId":"x","KeyRotationEnabled":true,"RotationPeriodInDays":365,
  "NextRotationDate":1.8E9})";
constexpr std::string_view kRotations = R"({"Rotations":[
  {"KeyId":"x","KeyMaterialId":"aaaa","KeyMaterialState":"NON_CURRENT"},
  {"KeyId":"x","KeyMaterialId":"bbbb","KeyMaterialState":"NON_CURRENT","RotationDate":1.7055936E9,"RotationType":"AUTOMATIC"},
  {"KeyId":"x","KeyMaterialId":"cccc","KeyMaterialState":"CURRENT","RotationDate":1.7372160E9,"RotationType":"ON_DEMAND"}],
  "Truncated":false})";
constexpr std::string_view kPolicy =
    R"({"PolicyName":"default","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Enable IAM\",)"
    R"(\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",)"
    R"(\"Resource\":\"*\"}]}"})";
constexpr std::string_view kGrants =
    R"({"Grants":[{"GrantId":"g","GranteePrincipal":"arn:aws:iam::444455556666:role/x","Operations":["Encrypt"]}],
  "Truncated":false})";
constexpr std::string_view kUsage = R"({"KeyId":"x","KeyCreationDate":1.5E9,"TrackingStartDate":1.77E9,
  "KeyLastUsage":{"Operation":"Decrypt","Timestamp":1.79E9,"CloudTrailEventId":"e","KmsRequestId":"r"}})";
constexpr std::string_view kDenial = R"({"__type":"AccessDeniedException","Message":"User is not authorized"})";

// Answers by operation; what isn't among them is denied.
class AwsDescribe : public ::testing::Test {
 protected:
  AwsDescribe() {
    answers_ = {{"DescribeKey", std::string(kMetadata)},       {"GetKeyRotationStatus", std::string(kRotation)},
                {"ListKeyRotations", std::string(kRotations)}, {"GetKeyPolicy", std::string(kPolicy)},
                {"ListGrants", std::string(kGrants)},          {"GetKeyLastUsage", std::string(kUsage)}};
  }
  net::Response answer(const net::Request& request) {
    const std::string operation = request.headers.find("x-amz-target")->substr(13);
    asked_.push_back(operation);
    const auto found = answers_.find(operation);
    if (found == answers_.end()) return {400, {}, net::to_buffer(kDenial), {}};
    return {found->second.find("__type") == std::string::npos ? 200U : 400U, {}, net::to_buffer(found->second), {}};
  }
  std::shared_ptr<AwsKms> provider() {
    AwsKmsOptions options;
    options.region = "us-east-1";
    options.environment = environment_of(kKeysInEnvironment);
    options.open_transport = [this](const Endpoint&, const WebTransportOptions&) {
      return Result<std::unique_ptr<HttpTransport>>(std::make_unique<testing::FunctionTransport>(
          [this](const net::Request& request) { return answer(request); }));
    };
    return value_of(AwsKms::create(std::move(options), evidence_, waiting_.waiting()));
  }
  KeyPosture describe() { return value_of(provider()->describe(kKey)); }
  KeyPosture describe_with(std::string_view from, std::string_view to, const std::string& operation = "DescribeKey") {
    const std::string before = answers_[operation];
    std::string& text = answers_[operation];
    text.replace(text.find(from), from.size(), to);
    KeyPosture posture = describe();
    answers_[operation] = before;
    return posture;
  }

  std::map<std::string, std::string> answers_;
  std::vector<std::string> asked_;
  testing::TestWaiting waiting_;
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
};

TEST_F(AwsDescribe, AllOfAKey) {
  EXPECT_EQ(
      to_json(describe()),
      R"({"key":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",)"
      R"("managed_by":"customer","origin":"provider","protection":"hsm","state":"enabled","algorithm":"SYMMETRIC_DEFAULT",)"
      R"("created":"2017-07-14T02:40:00.000Z",)"
      R"("rotation":{"automatic":true,"period_seconds":31536000,"next":"2027-01-15T08:00:00.000Z"},)"
      R"("last_rotated":"2025-01-18T16:00:00.000Z","deletion_scheduled":null,"exportable":false,)"
      R"("last_used":"2026-09-21T14:13:20.000Z","versions":[{"name":"aaaa","created":null,"state":"enabled"},)"
      R"({"name":"bbbb","created":"2024-01-18T16:00:00.000Z","state":"enabled"},)"
      R"({"name":"cccc","created":"2025-01-18T16:00:00.000Z","state":"enabled"}],)"
      R"("policy_findings":["wildcard-action","other-account","decrypt-unattested"]})");
  const auto kept = evidence_->all();
  ASSERT_EQ(kept.size(), 6U);
  EXPECT_EQ(kept[0].operation, "DescribeKey");
  EXPECT_EQ(kept[0].body, kMetadata);
  EXPECT_EQ(kept[5].operation, "GetKeyLastUsage");
}

TEST_F(AwsDescribe, KeyThatIsNotTheCustomers) {
  EXPECT_EQ(describe_with("CUSTOMER", "AWS").managed_by.value(), ManagedBy::kProvider);
  EXPECT_FALSE(describe_with("\"CUSTOMER\"", "\"SOMEBODY\"").managed_by.known());
  EXPECT_FALSE(describe_with("\"CUSTOMER\"", "null").managed_by.known());
  EXPECT_FALSE(describe_with("KeyManager", "Manager").managed_by.known());
}

TEST_F(AwsDescribe, WhereItLives) {
  const auto origin = [this](std::string_view word) {
    return describe_with("\"AWS_KMS\"", "\"" + std::string(word) + "\"");
  };
  EXPECT_EQ(origin("AWS_CLOUDHSM").protection.value(), ProtectionLevel::kHsm);
  EXPECT_EQ(origin("EXTERNAL").origin.value(), KeyOrigin::kImported);
  EXPECT_FALSE(origin("EXTERNAL").exportable.known());
  EXPECT_EQ(origin("EXTERNAL_KEY_STORE").protection.value(), ProtectionLevel::kExternal);
  EXPECT_EQ(origin("EXTERNAL_KEY_STORE").origin.value(), KeyOrigin::kExternal);
  const KeyPosture unheard = origin("MOON");
  EXPECT_FALSE(unheard.origin.known() || unheard.protection.known() || unheard.exportable.known());
}

TEST_F(AwsDescribe, States) {
  const auto state = [this](std::string_view word) {
    return describe_with("\"Enabled\",\"", "\"" + std::string(word) + "\",\"").state;
  };
  EXPECT_EQ(state("Disabled").value(), ProviderKeyState::kDisabled);
  EXPECT_EQ(state("PendingDeletion").value(), ProviderKeyState::kPendingDeletion);
  EXPECT_EQ(state("PendingReplicaDeletion").value(), ProviderKeyState::kPendingDeletion);
  for (const char* word : {"Creating", "PendingImport", "Unavailable", "Updating"}) {
    EXPECT_EQ(state(word).value(), ProviderKeyState::kNotReady) << word;
  }
  EXPECT_FALSE(state("Sleeping").known());
}

TEST_F(AwsDescribe, PendingDeletion) {
  const KeyPosture dated =
      describe_with("\"KeyState\":\"Enabled\"", "\"KeyState\":\"PendingDeletion\",\"DeletionDate\":1.8E9");
  EXPECT_EQ(dated.deletion_scheduled.value()->unix_ms, 1'800'000'000'000);
  EXPECT_FALSE(
      describe_with("\"KeyState\":\"Enabled\"", "\"KeyState\":\"PendingDeletion\"").deletion_scheduled.known());
  EXPECT_FALSE(describe().deletion_scheduled.value().has_value());
}

// Each permission that is missing costs its own facts and no others.
TEST_F(AwsDescribe, PermissionsThatAreMissing) {
  const auto without = [this](const std::string& operation) {
    const std::string before = answers_[operation];
    answers_.erase(operation);
    KeyPosture posture = describe();
    answers_[operation] = before;
    return posture;
  };
  const auto known = [](const KeyPosture& posture) {
    std::string text;
    for (const bool fact : {posture.managed_by.known(), posture.state.known(), posture.created.known(),
                            posture.rotation.known(), posture.last_rotated.known(), posture.versions.known(),
                            posture.policy_findings.known(), posture.last_used.known()}) {
      text += fact ? 'x' : '-';
    }
    return text;
  };
  EXPECT_EQ(known(describe()), "xxxxxxxx");
  EXPECT_EQ(known(without("DescribeKey")), "---xxxxx");
  EXPECT_EQ(known(without("GetKeyRotationStatus")), "xxx-xxxx");
  EXPECT_EQ(known(without("ListKeyRotations")), "xxxx--xx");
  EXPECT_EQ(known(without("GetKeyPolicy")), "xxxxxx-x");
  EXPECT_EQ(known(without("ListGrants")), "xxxxxx-x");
  EXPECT_EQ(known(without("GetKeyLastUsage")), "xxxxxxx-");
  const std::string why = without("ListGrants").policy_findings.why_not();
  EXPECT_NE(why.find("AccessDeniedException"), std::string::npos) << why;
  EXPECT_NE(why.find("the policy alone shows wildcard-action decrypt-unattested"), std::string::npos) << why;
}

TEST_F(AwsDescribe, NothingMayBeSeen) {
  answers_.clear();
  expect_refused(provider()->describe(kKey), Code::kDenied, "DescribeKey");
}

TEST_F(AwsDescribe, KeyThatIsNotThere) {
  answers_["DescribeKey"] = R"({"__type":"NotFoundException","message":"Invalid keyId"})";
  expect_refused(provider()->describe(kKey), Code::kNotFound, kKey);
  EXPECT_EQ(asked_, std::vector<std::string>{"DescribeKey"});
}

TEST_F(AwsDescribe, AnswerAboutAnotherKey) {
  std::string& text = answers_["DescribeKey"];
  text.replace(text.find("1234abcd-12ab"), 13, "0987dcba-09fe");
  expect_refused(provider()->describe(kKey), Code::kCorrupt, "another key");
  text = R"({"KeyMetadata":7})";
  expect_refused(provider()->describe(kKey), Code::kCorrupt, "metadata");
  text = "<html>";
  expect_refused(provider()->describe(kKey), Code::kCorrupt, "JSON");
}

// moto's, and keys that can't be rotated.
TEST_F(AwsDescribe, RotationThatIsOff) {
  answers_["GetKeyRotationStatus"] = R"({"KeyRotationEnabled":false})";
  answers_["ListKeyRotations"] = R"({"Rotations":[],"Truncated":false})";
  const KeyPosture posture = describe();
  EXPECT_FALSE(posture.rotation.value().automatic);
  EXPECT_FALSE(posture.rotation.value().period.has_value());
  ASSERT_TRUE(posture.last_rotated.known());
  EXPECT_FALSE(posture.last_rotated.value().has_value());
  EXPECT_FALSE(posture.versions.known());
  answers_["GetKeyRotationStatus"] = R"({"__type":"UnsupportedOperationException"})";
  EXPECT_FALSE(describe().rotation.known());
}

TEST_F(AwsDescribe, RotationsPageByPage) {
  RotationHistory history;
  const auto add = [&history](std::string_view text) { return history.add(value_of(parse_json(text))); };
  EXPECT_EQ(
      value_of(add(R"({"Rotations":[{"KeyMaterialId":"a","RotationDate":2}],"Truncated":true,"NextMarker":"m"})")),
      "m");
  EXPECT_EQ(value_of(add(R"({"Rotations":[{"KeyMaterialId":"b","RotationDate":1}]})")), "");
  KeyPosture posture;
  history.put_into(posture);
  EXPECT_EQ(posture.last_rotated.value()->unix_ms, 2000);
  EXPECT_EQ(posture.versions.value().size(), 2U);
  for (const char* text : {"{}", R"({"Rotations":7})", R"({"Rotations":[{"RotationDate":"yesterday"}]})",
                           R"({"Rotations":[],"Truncated":true})"}) {
    expect_refused(add(text), Code::kCorrupt, "");
  }
  answers_["ListKeyRotations"] = R"({"Rotations":[],"Truncated":true,"NextMarker":"again"})";
  EXPECT_NE(describe().versions.why_not().find("don't end"), std::string::npos);
}

TEST_F(AwsDescribe, AnswersThatAreNotUnderstoodAreNotAssessed) {
  EXPECT_FALSE(describe_with("true", "\"yes\"", "GetKeyRotationStatus").rotation.known());
  EXPECT_FALSE(describe_with("365", "-1", "GetKeyRotationStatus").rotation.known());
  EXPECT_FALSE(describe_with("1.8E9", "\"soon\"", "GetKeyRotationStatus").rotation.known());
  EXPECT_FALSE(describe_with("CURRENT", "STRANGE", "ListKeyRotations").versions.value()[0].state.known());
  EXPECT_FALSE(describe_with("\"KeyMaterialId\"", "\"Id\"", "ListKeyRotations").versions.known());
  EXPECT_FALSE(describe_with("Allow", "Maybe", "GetKeyPolicy").policy_findings.known());
  EXPECT_FALSE(describe_with("\"Policy\":", "\"Other\":", "GetKeyPolicy").policy_findings.known());
  EXPECT_FALSE(describe_with("Operations", "Others", "ListGrants").policy_findings.known());
  EXPECT_FALSE(describe_with("1.79E9", "\"x\"", "GetKeyLastUsage").last_used.known());
  EXPECT_FALSE(describe_with("1.5E9", "\"x\"").created.known());
}

TEST_F(AwsDescribe, UnknownUsageIsNotNoUsage) {
  const auto usage = [](std::string_view text) { return read_last_usage(value_of(parse_json(text))); };
  EXPECT_FALSE(usage(R"({"KeyCreationDate":1,"TrackingStartDate":2})").known());
  EXPECT_FALSE(usage(R"({"KeyCreationDate":1,"TrackingStartDate":2,"KeyLastUsage":{}})").known());
  EXPECT_FALSE(usage("{}").known());
  const auto never = usage(R"({"KeyCreationDate":3,"TrackingStartDate":2})");
  ASSERT_TRUE(never.known());
  EXPECT_FALSE(never.value().has_value());
}

TEST_F(AwsDescribe, LastUsageIsAskedFiveTimesASecondAtMost) {
  const auto aws = provider();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(aws->describe(kKey).ok());
  EXPECT_EQ(waiting_.slept, (std::vector{Duration{200}, Duration{200}, Duration{200}}));
}

}  // namespace
}  // namespace cloister::kms
