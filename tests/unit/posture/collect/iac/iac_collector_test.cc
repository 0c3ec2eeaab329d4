// Plans, states and templates: what is only meant to be proves nothing good, and what isn't known yet is unknown.
#include "posture/collect/iac/iac_collector.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

class Sink final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<Fact> facts;
};

constexpr const char* kEstate = R"(version = 1
id = "a"
own_account = ["111122223333", "acme"]
[[location]]
name = "corpus"
address = "s3://corpus/v3"
kind = "training-data"
[[key]]
name = "arn:aws:kms:x:111122223333:key/declared"
class = "kek"
)";

std::vector<Fact> facts_of(const std::string& text, const std::string& name = "f.json") {
  const auto estate = parse_estate(kEstate, "x.toml");
  CLOISTER_CHECK(estate.ok());
  Sink sink;
  CollectContext context;
  context.estate = &*estate;
  context.now = Time{1'795'000'000'000};
  IacCollector({{name, text}}).collect(context, sink);
  return std::move(sink.facts);
}

Fact first(const std::vector<Fact>& facts, const std::string& kind) {
  for (const Fact& fact : facts) {
    if (fact.kind == kind) return fact;
  }
  return {};
}

std::string resource(const std::string& type, const std::string& values) {
  return R"({"address":")" + type + R"(.x","mode":"managed","type":")" + type + R"(","name":"x","values":)" + values +
         "}";
}
std::string state(const std::string& resources) {
  return R"({"format_version":"1.0","terraform_version":"1.9.0","values":{"root_module":{"resources":[)" + resources +
         "]}}}";
}
std::string plan(const std::string& resources, const std::string& changes = "") {
  return R"({"format_version":"1.2","planned_values":{"root_module":{"child_modules":[{"resources":[)" + resources +
         R"(]}]}},"resource_changes":[)" + changes + "]}";
}
std::string bucket(const std::string& algorithm, const std::string& key) {
  return resource("aws_s3_bucket_server_side_encryption_configuration",
                  R"({"bucket":"corpus","rule":[{"apply_server_side_encryption_by_default":[{"sse_algorithm":")" +
                      algorithm + R"(","kms_master_key_id":)" + key + "}]}]}");
}

TEST(IacTest, KeyThatIsKnownAfterApplyIsUnknown) {
  const std::string values = R"({"identifier":"db","storage_encrypted":true})";
  const auto facts = facts_of(plan(
      resource("aws_db_instance", values),
      R"({"address":"aws_db_instance.x","change":{"actions":["create"],"after_unknown":{"id":true,"kms_key_id":true}}})"));
  const Fact fact = first(facts, "iac.resource");
  EXPECT_EQ(*fact.text("encrypted"), "yes");
  EXPECT_EQ(*fact.text("key_manager"), "unknown");
  EXPECT_EQ(fact.truth("planned"), true);
  EXPECT_EQ(first(facts, "storage.encryption").kind, "") << "a plan proves nothing good";
}

TEST(IacTest, BlockThatIsKnownAfterApplyIsUnknown) {
  const auto facts = facts_of(plan(
      resource("aws_s3_bucket_server_side_encryption_configuration", R"({"bucket":"corpus"})"),
      R"({"address":"aws_s3_bucket_server_side_encryption_configuration.x","change":{"after_unknown":{"rule":true}}})"));
  EXPECT_EQ(*first(facts, "iac.resource").text("encrypted"), "unknown");
}

TEST(IacTest, PlanThatIsBadIsAFinding) {
  const Fact fact = first(facts_of(plan(bucket("aws:kms", "null"))), "storage.encryption");
  EXPECT_EQ(fact.subject.id, "corpus") << "the declared place in the bucket";
  EXPECT_EQ(*fact.text("key_manager"), "platform_default");
  EXPECT_EQ(*first(facts_of(plan(bucket("aws:kms", "\"alias/aws/s3\""))), "storage.encryption").text("key_manager"),
            "platform_default");
  EXPECT_EQ(*first(facts_of(plan(bucket("AES256", "null"))), "storage.encryption").text("scheme"), "sse-s3");
}

TEST(IacTest, PlanThatIsGoodIsNoProof) {
  const auto facts = facts_of(plan(bucket("aws:kms", "\"arn:aws:kms:x:111122223333:key/declared\"")));
  EXPECT_EQ(*first(facts, "iac.resource").text("key_manager"), "operator");
  EXPECT_EQ(first(facts, "storage.encryption").kind, "");
}

TEST(IacTest, StateSaysWhoseKeyItIs) {
  const auto manager = [](const std::string& key) {
    return *first(facts_of(state(bucket("aws:kms", "\"" + key + "\""))), "storage.encryption").text("key_manager");
  };
  EXPECT_EQ(manager("arn:aws:kms:x:111122223333:key/declared"), "operator");
  EXPECT_EQ(manager("arn:aws:kms:x:111122223333:key/other"), "unknown");
  EXPECT_EQ(manager("arn:aws:kms:x:999:key/other"), "foreign");
  EXPECT_EQ(manager("arn:aws:kms:x:111122223333:alias/aws/s3"), "platform_default");
}

TEST(IacTest, KeyThatTheSameStateMakesIsACustomers) {
  const std::string key = resource("aws_kms_key", R"({"arn":"arn:aws:kms:x:111122223333:key/other","key_id":"other"})");
  const std::string used = bucket("aws:kms", "\"arn:aws:kms:x:111122223333:key/other\"");
  EXPECT_EQ(*first(facts_of(state(key + "," + used)), "storage.encryption").text("key_manager"), "operator");
  const std::string foreign = resource("aws_kms_key", R"({"arn":"arn:aws:kms:x:999:key/o"})");
  EXPECT_EQ(
      *first(facts_of(state(foreign + "," + bucket("aws:kms", "\"arn:aws:kms:x:999:key/o\""))), "storage.encryption")
           .text("key_manager"),
      "foreign");
}

TEST(IacTest, BucketByTheResourceThatConfiguresIt) {
  const std::string plain = resource("aws_s3_bucket", R"({"bucket":"corpus"})");
  const std::string configured = bucket("aws:kms", "\"arn:aws:kms:x:111122223333:key/declared\"");
  for (const std::string& both : {plain + "," + configured, configured + "," + plain}) {
    EXPECT_EQ(*first(facts_of(state(both)), "storage.encryption").text("key_manager"), "operator");
  }
  EXPECT_EQ(*first(facts_of(state(plain)), "storage.encryption").text("key_manager"), "platform_default");
}

TEST(IacTest, StateOfOtherResources) {
  const auto view = [](const std::string& type, const std::string& values) {
    return first(facts_of(state(resource(type, values))), "storage.encryption");
  };
  EXPECT_EQ(*view("aws_db_instance", R"({"identifier":"d","storage_encrypted":false})").text("encrypted"), "no");
  EXPECT_EQ(view("aws_db_instance", R"({"identifier":"d"})").subject.id, "rds:d");
  EXPECT_EQ(*view("aws_ebs_volume", R"({"id":"vol-1"})").text("encrypted"), "unknown") << "by the account's default";
  EXPECT_EQ(*view("google_storage_bucket", R"({"name":"b","encryption":[]})").text("key_manager"), "platform_default");
  EXPECT_EQ(*view("google_storage_bucket",
                  R"({"name":"b","encryption":[{"default_kms_key_name":"projects/acme/locations/l/k"}]})")
                 .text("key_manager"),
            "operator");
  EXPECT_EQ(view("google_compute_disk", R"({"id":"projects/acme/zones/z/disks/d"})").subject.id, "gce-disk:acme/z/d");
  EXPECT_EQ(*view("azurerm_storage_account", R"({"name":"acct"})").text("key_manager"), "platform_default");
  EXPECT_EQ(
      *view("aws_opensearch_domain", R"({"domain_name":"v","encrypt_at_rest":[{"enabled":false}]})").text("encrypted"),
      "no");
}

TEST(IacTest, StateAsItIsStored) {
  const auto facts = facts_of(
      R"({"version":4,"terraform_version":"1.9.0","resources":[{"mode":"managed","type":"aws_db_instance","name":"x",)"
      R"("instances":[{"attributes":{"identifier":"d","storage_encrypted":false,"password":"hunter2"},)"
      R"("sensitive_attributes":[[{"type":"get_attr","value":"password"}]]}]}]})");
  EXPECT_EQ(*first(facts, "storage.encryption").text("encrypted"), "no");
  EXPECT_EQ(*first(facts, "content.object").text("type"), "terraform-state");
  for (const Fact& fact : facts) EXPECT_EQ(fact_json(fact).find("hunter2"), std::string::npos);
}

TEST(IacTest, CloudFormation) {
  const auto facts = facts_of(R"(AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Corpus:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: corpus
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: !Ref AWS::NoValue}
  Volume:
    Type: AWS::EC2::Volume
    Properties: {Encrypted: !If [Production, true, false], KmsKeyId: !GetAtt Key.Arn}
)",
                              "t.yaml");
  EXPECT_EQ(*first(facts, "storage.encryption").text("key_manager"), "platform_default");
  std::vector<std::string> encrypted;
  for (const Fact& fact : facts) {
    if (fact.kind == "iac.resource") encrypted.push_back(*fact.text("encrypted"));
  }
  EXPECT_EQ(encrypted, (std::vector<std::string>{"unknown", "yes"})) << "the volume's depends on a condition";
}

TEST(IacTest, BlockThatDependsOnACondition) {
  for (const char* block : {"!If [Production, {ServerSideEncryptionConfiguration: []}, !Ref AWS::NoValue]",
                            "{'Fn::If': [Production, {}, {}]}", "{Ref: Parameter}"}) {
    const auto facts = facts_of(
        "Resources:\n  Corpus:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: "
        "corpus\n      BucketEncryption: " +
            std::string(block) + "\n",
        "t.yaml");
    EXPECT_EQ(*first(facts, "iac.resource").text("encrypted"), "unknown") << block;
    EXPECT_EQ(first(facts, "storage.encryption").kind, "") << block;
  }
}

TEST(IacTest, CloudFormationInJson) {
  const std::string text = R"({"Resources":{"Db":{"Type":"AWS::RDS::DBInstance","Properties":{"DBInstanceIdentifier":)";
  EXPECT_EQ(*first(facts_of(text + R"("d","StorageEncrypted":true,"KmsKeyId":{"Ref":"Key"}}}}})"), "iac.resource")
                 .text("key_manager"),
            "unknown");
  EXPECT_EQ(*first(facts_of(text + R"("d","StorageEncrypted":{"Ref":"Flag"}}}}})"), "iac.resource").text("encrypted"),
            "unknown");
  const auto facts = facts_of(text + R"({"Fn::Sub":"${AWS::StackName}-d"}}}}})");
  EXPECT_EQ(*first(facts, "iac.resource").text("encrypted"), "no");
  EXPECT_EQ(first(facts, "storage.encryption").kind, "") << "which database it will be isn't known";
}

TEST(IacTest, FilesThatCannotBeRead) {
  for (const char* text :
       {"", "{", "[]", "a: b\n", R"({"meta":{},"encrypted_data":"AAAA","encryption_version":"v0"})"}) {
    const auto facts = facts_of(text);
    ASSERT_EQ(facts.size(), 1U) << text;
    EXPECT_TRUE(facts[0].not_assessed.has_value()) << text;
  }
}

TEST(IacTest, DataSourcesAreNotResources) {
  std::string text = state(bucket("AES256", "null"));
  text.replace(text.find("managed"), 7, "data");
  EXPECT_EQ(first(facts_of(text), "iac.resource").kind, "");
}

}  // namespace
}  // namespace cloister::posture
