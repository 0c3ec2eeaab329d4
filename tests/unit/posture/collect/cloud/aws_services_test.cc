// EBS, RDS, SageMaker and Bedrock: what is encrypted by whose key, and answers that are about something else.
#include "posture/collect/cloud/aws_service_answers.h"

#include "tests/support/expect.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";

std::string volume_xml(const std::string& id, const std::string& inside) {
  return "<DescribeVolumesResponse><requestId>r</requestId><volumeSet><item><volumeId>" + id + "</volumeId>" + inside +
         "<attachmentSet><item><volumeId>" + id + "</volumeId></item></attachmentSet></item></volumeSet>" +
         "</DescribeVolumesResponse>";
}

JsonValue json(std::string_view text) { return value_of(parse_json(text)); }

const std::string kJob = R"({"TrainingJobName":"fit","ResourceConfig":{"VolumeKmsKeyId":")" + kOwnKey +
                         R"("},"OutputDataConfig":{"S3OutputPath":"s3://models/"},)"
                         R"("EnableInterContainerTrafficEncryption":false})";

TEST(AwsServices, Volumes) {
  const StorageView view = value_of(
      parse_ebs(volume_xml("vol-1", "<encrypted>true</encrypted><kmsKeyId>" + kOwnKey + "</kmsKeyId>"), "vol-1"));
  EXPECT_EQ(view.encrypted, "yes");
  EXPECT_EQ(view.key, kOwnKey);
  EXPECT_EQ(view.algorithm, "aes-256-xts");
  EXPECT_EQ(view.integrity, "none");
  EXPECT_EQ(value_of(parse_ebs(volume_xml("vol-1", "<encrypted>false</encrypted>"), "vol-1")).encrypted, "no");
  EXPECT_EQ(value_of(parse_ebs(volume_xml("vol-1", ""), "vol-1")).encrypted, "unknown");
  EXPECT_EQ(value_of(parse_ebs(volume_xml("vol-1", "<encrypted>true</encrypted>"), "vol-1")).key_manager, "unknown");
  expect_refused(parse_ebs(volume_xml("vol-2", "<encrypted>true</encrypted>"), "vol-1"), Code::kCorrupt, "about");
  EXPECT_EQ(value_of(parse_ebs("<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-1</snapshotId>"
                               "<encrypted>false</encrypted></item></snapshotSet></DescribeSnapshotsResponse>",
                               "snap-1"))
                .encrypted,
            "no");
}

TEST(AwsServices, Databases) {
  const auto instance = [](const std::string& inside) {
    return "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>" + inside +
           "</DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>";
  };
  const std::string name = "<DBInstanceIdentifier>features</DBInstanceIdentifier>";
  EXPECT_EQ(value_of(parse_rds(instance(name + "<StorageEncrypted>false</StorageEncrypted>"), "features")).encrypted,
            "no");
  EXPECT_EQ(value_of(parse_rds(instance(name + "<StorageEncrypted>true</StorageEncrypted><KmsKeyId>k</KmsKeyId>"),
                               "features"))
                .key,
            "k");
  expect_refused(parse_rds(instance(name), "other"), Code::kCorrupt, "about");
  EXPECT_EQ(value_of(parse_rds("<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters><DBCluster>"
                               "<DBClusterIdentifier>c</DBClusterIdentifier><StorageEncrypted>true</StorageEncrypted>"
                               "</DBCluster></DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>",
                               "c"))
                .encrypted,
            "yes");
}

// A tool that reads the volume's key alone passes a job whose model lies under the platform's.
TEST(AwsServices, TrainingJobsOutputIsLookedAtToo) {
  const auto parts = value_of(parse_training_job(json(kJob), "fit"));
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "volume");
  EXPECT_EQ(parts[0].view.key, kOwnKey);
  EXPECT_EQ(parts[1].name, "output");
  EXPECT_EQ(parts[1].view.key_manager, "platform_default");
  expect_refused(parse_training_job(json(kJob), "other"), Code::kCorrupt, "about");
  expect_refused(parse_training_job(json(R"({"TrainingJobName":"fit"})"), "fit"), Code::kCorrupt, "nothing");
}

TEST(AwsServices, EndpointsAndWhatTheyCapture) {
  auto parts = value_of(parse_endpoint_config(json(R"({"EndpointConfigName":"e"})"), "e"));
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].view.key_manager, "platform_default");
  parts = value_of(parse_endpoint_config(json(R"({"EndpointConfigName":"e","DataCaptureConfig":{}})"), "e"));
  EXPECT_EQ(parts.size(), 1U) << "nothing is captured";
  parts = value_of(parse_endpoint_config(
      json(R"({"EndpointConfigName":"e","KmsKeyId":"k","DataCaptureConfig":{"DestinationS3Uri":"s3://x"}})"), "e"));
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].view.key, "k");
  EXPECT_EQ(parts[1].view.key_manager, "platform_default");
}

TEST(AwsServices, ExcerptOfAModelHasNoHyperparameters) {
  const std::string kept =
      named_excerpt(json(R"({"modelArn":"m","modelKmsKeyArn":"k","hyperParameters":{"token":"hf_hunter2"}})"));
  EXPECT_EQ(kept.find("hunter2"), std::string::npos) << kept;
  EXPECT_NE(kept.find("modelKmsKeyArn"), std::string::npos) << kept;
}

TEST(AwsServices, Bedrock) {
  EXPECT_EQ(value_of(parse_custom_model(json(R"({"modelArn":"m"})"))).key_manager, "platform_default");
  EXPECT_EQ(value_of(parse_custom_model(json(R"({"modelArn":"m","modelKmsKeyArn":"k"})"))).key, "k");
  EXPECT_FALSE(parse_custom_model(json("{}")).ok());
  InvocationLogging logging = value_of(parse_invocation_logging(
      json(R"({"loggingConfig":{"s3Config":{"bucketName":"logs","keyPrefix":"p"},"cloudWatchConfig":null}})")));
  EXPECT_EQ(logging.bucket, "s3://logs/p");
  EXPECT_FALSE(logging.to_log_group);
  logging = value_of(parse_invocation_logging(
      json(R"({"loggingConfig":{"cloudWatchConfig":{"largeDataDeliveryS3Config":{"bucketName":"large"}}}})")));
  EXPECT_EQ(logging.bucket, "");
  EXPECT_TRUE(logging.to_log_group);
  EXPECT_EQ(logging.large_data, "s3://large");
  expect_refused(parse_invocation_logging(json("{}")), Code::kNotFound, "aren't logged");
  expect_refused(parse_invocation_logging(json(R"({"loggingConfig":{"s3Config":{}}})")), Code::kUnsupported, "S3");
}

struct AwsCollectorTest : ::testing::Test {
  AwsWorld world;
  AwsCollectorTest() { world.keys = {{kOwnKey, "CUSTOMER"}, {kAwsKey, "AWS"}}; }
  void answer(const std::string& place, const std::string& body) { world.answers[place] = {200, body}; }
};

TEST_F(AwsCollectorTest, JobIsAsBadAsItsWorstPart) {
  answer("POST api.sagemaker.us-east-1.amazonaws.com/", kJob);
  const KeptFacts facts = world.collect(estate_of("sagemaker:training-job/fit"));
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#volume"), "key_manager"), "operator");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#output"), "key_manager"), "platform_default");
  const Fact& whole = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(whole, "key_manager"), "platform_default");
  EXPECT_TRUE(notes_say(whole, "between the job's containers"));
}

TEST_F(AwsCollectorTest, SecretsOfAJobAreInNoFact) {
  const std::string secrets = R"({"HyperParameters":{"token":"hf_hunter2"},"Environment":{"HF_TOKEN":"hf_hunter2"},)"
                              R"("ResourceConfig":{"InstanceType":"ml.hunter2"},)"
                              R"("OutputDataConfig":{"S3OutputPath":"s3://models/","KmsKeyId":["hunter2"]},)"
                              R"("TrainingJobName":"fit"})";
  answer("POST api.sagemaker.us-east-1.amazonaws.com/", secrets);
  const KeptFacts facts = world.collect(estate_of("sagemaker:training-job/fit"));
  EXPECT_EQ(facts.count(kStorage), 3U);
  for (const Fact& fact : facts.all) EXPECT_EQ(fact_json(fact).find("hunter2"), std::string::npos) << fact_json(fact);
  EXPECT_EQ(facts.only(kStorage, "object:corpus#output").raw,
            R"({"TrainingJobName":"fit","ResourceConfig":{},"OutputDataConfig":{"S3OutputPath":"s3://models/"}})");
}

TEST_F(AwsCollectorTest, VolumeUnderAwsOwnKey) {
  answer("POST ec2.us-east-1.amazonaws.com/",
         volume_xml("vol-1", "<encrypted>true</encrypted><kmsKeyId>" + kAwsKey + "</kmsKeyId>"));
  const KeptFacts facts = world.collect(estate_of("ebs:vol-1"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "platform_default");
  // That AWS rotates its own key is no evidence of anything.
  const Fact& key = facts.only("key.posture", "key:" + kAwsKey);
  EXPECT_EQ(text_in(key, "manager"), "platform_default");
  EXPECT_EQ(key.truth("rotation_automatic"), std::nullopt);
}

TEST_F(AwsCollectorTest, LoggedInvocationsAreLookedForInTheirBucket) {
  answer("GET bedrock.us-east-1.amazonaws.com/logging/modelinvocations",
         R"({"loggingConfig":{"s3Config":{"bucketName":"logs"}}})");
  world.bucket("logs", "aws:kms", kOwnKey);
  EXPECT_EQ(text_in(world.collect(estate_of("bedrock:logging")).only(kStorage, kCorpus), "key_manager"), "operator");
}

// A bucket under the operator's key says nothing of the log group that the same prompts go to.
TEST_F(AwsCollectorTest, InvocationsThatAreLoggedToCloudWatchToo) {
  answer("GET bedrock.us-east-1.amazonaws.com/logging/modelinvocations",
         R"({"loggingConfig":{"s3Config":{"bucketName":"logs"},"cloudWatchConfig":{"logGroupName":"g",)"
         R"("largeDataDeliveryS3Config":{"bucketName":"large"}}}})");
  world.bucket("logs", "aws:kms", kOwnKey);
  world.bucket("large", "AES256", "");
  KeptFacts facts = world.collect(estate_of("bedrock:logging"));
  ASSERT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
  EXPECT_NE(facts.only(kStorage, kCorpus).not_assessed->find("CloudWatch"), std::string::npos);
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#cloudwatch"), "encrypted"), "unknown");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#large-data"), "key_manager"), "platform_default");
  world.bucket("logs", "AES256", "");
  facts = world.collect(estate_of("bedrock:logging"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "platform_default") << "what is bad stays bad";
}

TEST_F(AwsCollectorTest, InvocationsThatAreLoggedToCloudWatchAlone) {
  answer("GET bedrock.us-east-1.amazonaws.com/logging/modelinvocations",
         R"({"loggingConfig":{"cloudWatchConfig":{}}})");
  const KeptFacts facts = world.collect(estate_of("bedrock:logging"));
  EXPECT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#cloudwatch"), "encrypted"), "unknown");
}

TEST_F(AwsCollectorTest, WhatCannotBeAskedIsNotAssessed) {
  for (const char* address : {"ebs:vol-1", "rds:x", "sagemaker:training-job/x", "sagemaker:endpoint-config/x",
                              "bedrock:logging", "bedrock:custom-model/x", "sagemaker:elsewhere", "ebs:", "s3://"}) {
    EXPECT_TRUE(world.collect(estate_of(address)).only(kStorage, kCorpus).not_assessed) << address;
  }
  EXPECT_EQ(world.collect(estate_of("file:/srv/x")).count(kStorage), 0U);
}

TEST_F(AwsCollectorTest, NoRegionAndNoCredentials) {
  const Estate estate = estate_of("s3://corpus");
  KeptFacts facts;
  CollectContext context;
  context.estate = &estate;
  AwsOptions options = world.options();
  options.region.clear();
  AwsCollector(options, world.waiting.waiting()).collect(context, facts);
  EXPECT_EQ(*facts.only(kStorage, kCorpus).not_assessed, "no AWS region is set");
  EXPECT_TRUE(world.asked.empty());
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "AWS_REGION" ? std::optional<std::string>("us-east-1") : std::nullopt;
  };
  facts.all.clear();
  AwsCollector(options, world.waiting.waiting()).collect(context, facts);
  for (const Fact& fact : facts.all) {
    EXPECT_TRUE(fact.not_assessed || fact.kind != kStorage) << fact_json(fact);
  }
}

TEST_F(AwsCollectorTest, StoppedIsNotAssessed) {
  const Estate estate = estate_of("s3://corpus");
  Progress progress;
  progress.request_stop();
  KeptFacts facts;
  CollectContext context;
  context.estate = &estate;
  context.progress = &progress;
  AwsCollector(world.options(), world.waiting.waiting()).collect(context, facts);
  EXPECT_EQ(*facts.only(kStorage, kCorpus).not_assessed, "it was stopped");
}

TEST_F(AwsCollectorTest, DeclaredKeysAreDescribed) {
  Estate estate = estate_of("file:/srv/x");
  estate.keys.push_back({kOwnKey, "", "kek", days(365), {"", "", "acme, other", {}}, 2});
  estate.keys.push_back({kForeignKey, "", "kek", {}, {}, 3});
  estate.keys.push_back({"cloister:1", "", "kek", {}, {}, 4});
  const KeptFacts facts = world.collect(estate);
  const Fact& fact = facts.only("key.posture", "key:" + kOwnKey);
  EXPECT_EQ(text_in(fact, "manager"), "operator");
  EXPECT_EQ(text_in(fact, "key_class"), "kek");
  EXPECT_EQ(fact.number("cryptoperiod_days"), 365);
  EXPECT_EQ(*fact.list("tenants"), (std::vector<std::string>{"acme", "other"}));
  EXPECT_TRUE(facts.only("key.posture", "key:" + kForeignKey).not_assessed) << "denied";
  EXPECT_EQ(facts.count("key.posture"), 2U);
}

TEST_F(AwsCollectorTest, OnlyOperationsThatRead) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  world.object("corpus", "a", {});
  world.collect(estate_of("s3://corpus"));
  for (const std::string& place : world.asked) {
    const bool describes = place.starts_with("POST ") && place.find("/ Describe") != std::string::npos;
    EXPECT_TRUE(place.starts_with("GET ") || place.starts_with("HEAD ") || place.starts_with("POST kms.") || describes)
        << place;
  }
}

}  // namespace
}  // namespace cloister::posture
