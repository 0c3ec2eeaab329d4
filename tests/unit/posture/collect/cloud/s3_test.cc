// Buckets and objects of S3: what other tools pass and isn't the operator's key, and answers that say nothing.
#include "posture/collect/cloud/s3.h"

#include "tests/support/expect.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";

net::Headers kms_headers(const std::string& key) {
  net::Headers headers{{"x-amz-server-side-encryption", "aws:kms"}};
  if (!key.empty()) headers.add("x-amz-server-side-encryption-aws-kms-key-id", key);
  return headers;
}

struct S3Test : ::testing::Test {
  AwsWorld world;

  S3Test() {
    world.keys = {{kOwnKey, "CUSTOMER"}, {kAwsKey, "AWS"}, {kForeignKey, "CUSTOMER"}};
    world.aliases = {{"alias/corpus", kOwnKey}};
  }
  Fact default_of(const std::string& algorithm, const std::string& key) {
    world.bucket("corpus", algorithm, key);
    return world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus);
  }
};

TEST_F(S3Test, OperatorsKeyIsResolvedByKms) {
  const Fact fact = default_of("aws:kms", kOwnKey);
  EXPECT_EQ(text_in(fact, "encrypted"), "yes");
  EXPECT_EQ(text_in(fact, "scheme"), "sse-kms");
  EXPECT_EQ(text_in(fact, "key_manager"), "operator");
  EXPECT_EQ(text_in(fact, "key"), kOwnKey);
  EXPECT_EQ(fact.number("key_bits"), 256);
  EXPECT_EQ(fact.collector, "aws/1");
  EXPECT_EQ(text_in(default_of("aws:kms:dsse", kOwnKey), "key_manager"), "operator");
}

// What other tools pass: any "aws:kms", any key that is named, an alias of AWS's own.
TEST_F(S3Test, PlatformsKeyUnderKms) {
  EXPECT_EQ(text_in(default_of("aws:kms", ""), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(default_of("aws:kms:dsse", ""), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(default_of("aws:kms", "alias/aws/s3"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(default_of("aws:kms", "arn:aws:kms:us-east-1:111122223333:alias/aws/s3"), "key_manager"),
            "platform_default");
  EXPECT_EQ(text_in(default_of("aws:kms", kAwsKey), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(default_of("AES256", ""), "key_manager"), "platform_default");
}

TEST_F(S3Test, KeyOfAnotherAccount) {
  EXPECT_EQ(text_in(default_of("aws:kms", kForeignKey), "key_manager"), "foreign");
  world.keys.erase(kForeignKey);
  EXPECT_EQ(text_in(default_of("aws:kms", kForeignKey), "key_manager"), "foreign") << "and isn't described to us";
}

TEST_F(S3Test, AliasIsResolvedAndNoted) {
  const Fact fact = default_of("aws:kms", "alias/corpus");
  EXPECT_EQ(text_in(fact, "key_manager"), "operator");
  EXPECT_EQ(text_in(fact, "key"), kOwnKey);
  EXPECT_TRUE(notes_say(fact, "resolved in the account of whoever writes"));
}

TEST_F(S3Test, UnknownIsNoPass) {
  world.keys.erase(kOwnKey);
  EXPECT_EQ(text_in(default_of("aws:kms", kOwnKey), "key_manager"), "unknown") << "DescribeKey is denied";
  EXPECT_EQ(text_in(default_of("aws:quantum", kOwnKey), "encrypted"), "unknown");
  world.keys[kOwnKey] = "MARTIAN";
  EXPECT_EQ(text_in(default_of("aws:kms", kOwnKey), "key_manager"), "unknown");
  world.keys[kOwnKey] = "CUSTOMER";
  Estate estate = estate_of("s3://corpus");
  estate.own_accounts.clear();
  world.bucket("corpus", "aws:kms", kOwnKey);
  const KeptFacts facts = world.collect(estate);
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "unknown") << "nobody says which accounts are ours";
}

TEST_F(S3Test, NoDefaultIsPlaintext) {
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?encryption"] = {
      404, "<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "encrypted"), "no");
}

TEST_F(S3Test, ObjectsUnderAnotherKeyThanTheDefault) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  world.object("corpus", "a", kms_headers(kOwnKey));
  world.object("corpus", "b", kms_headers(kForeignKey));
  world.object("corpus", "old", {});
  world.object("corpus", "mine", {{"x-amz-server-side-encryption-customer-algorithm", "AES256"}});
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  const Fact& objects = facts.only(kStorage, kCorpus);
  EXPECT_TRUE(notes_say(objects, "default: sse-kms, operator"));
  EXPECT_EQ(text_in(objects, "level"), "object");
  EXPECT_EQ(text_in(objects, "encrypted"), "no");
  EXPECT_EQ(text_in(objects, "key_manager"), "none");
  EXPECT_EQ(objects.number("objects"), 4);
  EXPECT_EQ(objects.number("objects_sampled"), 4);
  EXPECT_EQ(objects.number("sample_bound_permille"), 0);
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#b"), "key_manager"), "foreign");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#old"), "encrypted"), "no");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#mine"), "key_manager"), "unknown");
}

TEST_F(S3Test, ObjectsUnderTheOperatorsKey) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  for (int i = 0; i < 400; ++i) world.object("corpus", "x" + std::to_string(i), kms_headers(kOwnKey));
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  const Fact& objects = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(objects, "key_manager"), "operator");
  EXPECT_EQ(objects.number("objects"), 400);
  EXPECT_EQ(objects.number("objects_sampled"), 299);
  EXPECT_EQ(objects.number("sample_bound_permille"), 10);
  EXPECT_EQ(text_in(facts.only("key.posture", "key:" + kOwnKey), "manager"), "operator");
}

TEST_F(S3Test, ObjectWithoutAKeyIdIsNotTheOperators) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  world.object("corpus", "a", kms_headers(""));
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "unknown");
}

TEST_F(S3Test, DeniedHeadIsNotAssessed) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  world.object("corpus", "a", kms_headers(kOwnKey));
  world.object("corpus", "b", {});
  world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/b"].status = 403;
  KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_NE(facts.only(kStorage, kCorpus).not_assessed.value_or("").find("1 of 2"), std::string::npos);
  // What was seen to be bad stays bad.
  world.object("corpus", "c", {});
  facts = world.collect(estate_of("s3://corpus"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "encrypted"), "no");
  EXPECT_TRUE(notes_say(facts.only(kStorage, kCorpus), "couldn't be looked at"));
}

TEST_F(S3Test, ThrottledIsNotAssessed) {
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?encryption"] = {503, "<Error><Code>SlowDown</Code></Error>"};
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?list-type=2&encoding-type=url"] = {
      503, "<Error><Code>SlowDown</Code></Error>"};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
  EXPECT_LE(world.asked.size(), 16U);
}

// A dead service isn't asked for each of its objects and keys.
TEST_F(S3Test, OutOfReachEndsSoon) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  for (int i = 0; i < 299; ++i) {
    const std::string key = "x" + std::to_string(i);
    world.object("corpus", key, {});
    world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/" + key].status = 503;
  }
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
  EXPECT_LE(world.asked.size(), 60U);
}

TEST_F(S3Test, EndlessListIsNotAssessed) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  const std::string list = "GET s3.us-east-1.amazonaws.com/corpus?list-type=2&encoding-type=url";
  const std::string page =
      "<ListBucketResult><Name>corpus</Name><Contents><Key>a</Key><LastModified>2026-01-01T00:00:00Z"
      "</LastModified></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>t"
      "</NextContinuationToken></ListBucketResult>";
  world.answers[list] = {200, page};
  world.answers[list + "&continuation-token=t"] = {200, page};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_NE(facts.only(kStorage, kCorpus).not_assessed.value_or("").find("without coming further"), std::string::npos);
}

TEST_F(S3Test, BadDefaultStaysBadThoughObjectsAreHidden) {
  world.bucket("corpus", "AES256", "");
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?list-type=2&encoding-type=url"] = {403, ""};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  const Fact& fact = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "key_manager"), "platform_default");
  EXPECT_EQ(text_in(fact, "level"), "service");
  EXPECT_TRUE(notes_say(fact, "ListObjectsV2"));
}

TEST_F(S3Test, EmptyBucketIsItsDefault) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  const Fact fact = world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "key_manager"), "operator");
  EXPECT_EQ(text_in(fact, "level"), "object");
  EXPECT_EQ(fact.number("objects"), 0);
  EXPECT_EQ(fact.number("objects_sampled"), 0);
}

TEST_F(S3Test, NothingIsClaimedOfWhatIsNotListed) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  const std::string list = "GET s3.us-east-1.amazonaws.com/corpus?list-type=2&encoding-type=url";
  world.object("corpus", "a", kms_headers(kOwnKey));
  world.answers[list] = {200, "<ListBucketResult><Name>corpus</Name>" + world.listed["corpus"] +
                                  "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
                                  "</ListBucketResult>"};
  EXPECT_TRUE(world.collect(estate_of("s3://corpus"), {299, 1}).only(kStorage, kCorpus).not_assessed);
  world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/a"].headers = {};
  const Fact fact = world.collect(estate_of("s3://corpus"), {299, 1}).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "no") << "what is bad is bad";
  EXPECT_EQ(fact.number("sample_bound_permille"), 1000);
}

TEST_F(S3Test, AnswersThatSayNothing) {
  const std::string place = "GET s3.us-east-1.amazonaws.com/corpus?encryption";
  for (const char* body :
       {"", "{}", "<a/>", "<ServerSideEncryptionConfiguration><Rule></Rule></ServerSideEncryptionConfiguration>",
        "<ServerSideEncryptionConfiguration><Rule><x>1</x></Rule><Rule><x>2</x></Rule>"
        "</ServerSideEncryptionConfiguration>"}) {
    world.answers[place] = {200, body};
    const KeptFacts facts = world.collect(estate_of("s3://corpus"));
    EXPECT_TRUE(facts.only(kStorage, kCorpus).not_assessed) << body;
  }
  for (const char* body : {"", "<ListBucketResult><Name>c</Name></ListBucketResult>",
                           "<ListBucketResult><Name>c</Name><IsTruncated>true</IsTruncated></ListBucketResult>",
                           "<ListBucketResult><Name>c</Name><Contents><Key>%zz</Key></Contents><IsTruncated>false"
                           "</IsTruncated></ListBucketResult>"}) {
    EXPECT_FALSE(parse_object_list(body).ok()) << body;
  }
}

TEST_F(S3Test, BucketOfAnotherRegionIsAskedThere) {
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?encryption"] = {
      301, "<Error><Code>PermanentRedirect</Code></Error>", {{"x-amz-bucket-region", "eu-west-1"}}};
  world.answers["GET s3.eu-west-1.amazonaws.com/corpus?encryption"] = {
      200,
      "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256"
      "</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "scheme"), "sse-s3");
  world.answers["GET s3.us-east-1.amazonaws.com/corpus?encryption"].headers = {
      {"x-amz-bucket-region", "evil.example/"}};
  EXPECT_TRUE(world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus).not_assessed);
}

// What an object was before it was written over is there for whoever asks for that version.
TEST_F(S3Test, OlderVersionUnderAnotherKey) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  const std::string at = "GET s3.us-east-1.amazonaws.com/corpus";
  const auto version = [](const std::string& key, const std::string& id, const std::string& latest) {
    return "<Version><Key>" + key + "</Key><VersionId>" + id + "</VersionId><IsLatest>" + latest +
           "</IsLatest><LastModified>2026-01-01T00:00:00.000Z</LastModified><Owner><ID>o</ID></Owner></Version>";
  };
  const auto page = [](const std::string& inside) {
    return "<ListVersionsResult><Name>corpus</Name>" + inside + "</ListVersionsResult>";
  };
  world.answers[at + "?versioning"] = {200,
                                       "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"};
  world.answers[at + "?versions&encoding-type=url"] = {
      200, page(version("a", "v2", "true") +
                "<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Bb</NextKeyMarker><NextVersionIdMarker>v2"
                "</NextVersionIdMarker>")};
  world.answers[at + "?versions&encoding-type=url&key-marker=a%2Bb&version-id-marker=v2"] = {
      200, page("<DeleteMarker><Key>z</Key></DeleteMarker>" + version("a", "v1", "false") +
                "<IsTruncated>false</IsTruncated>")};
  world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/a"] = {200, "", kms_headers(kOwnKey)};
  world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/a?versionId=v1"] = {
      200, "", {{"x-amz-server-side-encryption", "AES256"}}};
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "platform_default");
  EXPECT_EQ(facts.only(kStorage, kCorpus).number("objects"), 2);
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#a?versionId=v1"), "key_manager"), "platform_default");

  world.answers["HEAD s3.us-east-1.amazonaws.com/corpus/a?versionId=v1"] = {200, "", kms_headers(kOwnKey)};
  EXPECT_EQ(text_in(world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus), "key_manager"), "operator");
  world.answers[at + "?versioning"] = {403, "<Error><Code>AccessDenied</Code></Error>"};
  EXPECT_TRUE(world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus).not_assessed)
      << "older versions may be there";
  world.answers[at + "?versioning"] = {200, "<Other/>"};
  EXPECT_TRUE(world.collect(estate_of("s3://corpus")).only(kStorage, kCorpus).not_assessed);
}

TEST_F(S3Test, ListsOfVersionsThatSayNothing) {
  EXPECT_FALSE(parse_version_list("<ListBucketResult><Name>c</Name></ListBucketResult>").ok());
  const auto page = [](const std::string& inside) {
    return parse_version_list("<ListVersionsResult><Name>c</Name>" + inside + "</ListVersionsResult>");
  };
  EXPECT_TRUE(page("<IsTruncated>false</IsTruncated>").ok());
  EXPECT_FALSE(page("").ok()) << "doesn't say if it goes on";
  EXPECT_FALSE(page("<IsTruncated>true</IsTruncated>").ok()) << "goes on without a marker";
  EXPECT_FALSE(page("<Version><Key>a</Key><LastModified>2026-01-01T00:00:00Z</LastModified></Version>"
                    "<IsTruncated>false</IsTruncated>")
                   .ok())
      << "an older version without an id";
  EXPECT_FALSE(page("<Version><Key>a</Key><IsLatest>true</IsLatest></Version><IsTruncated>false</IsTruncated>").ok())
      << "no date";
}

TEST_F(S3Test, EndlessListOfVersionsIsNotAssessed) {
  world.bucket("corpus", "aws:kms", kOwnKey);
  const std::string at = "GET s3.us-east-1.amazonaws.com/corpus";
  world.answers[at + "?versioning"] = {200,
                                       "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"};
  const AwsWorld::Answer again = {200,
                                  "<ListVersionsResult><Name>corpus</Name><IsTruncated>true</IsTruncated>"
                                  "<NextKeyMarker>a</NextKeyMarker></ListVersionsResult>"};
  world.answers[at + "?versions&encoding-type=url"] = again;
  world.answers[at + "?versions&encoding-type=url&key-marker=a"] = again;
  const KeptFacts facts = world.collect(estate_of("s3://corpus"));
  ASSERT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
  EXPECT_NE(facts.only(kStorage, kCorpus).not_assessed->find("further"), std::string::npos);
}

TEST(S3Address, WhatNamesNoBucket) {
  EXPECT_EQ(testing::value_of(parse_s3_address("s3://corpus/a/b")).prefix, "a/b");
  for (const char* address : {"", "s3:", "s3://", "s3:///x", "s3://..", "s3://a b", "s3://a%2f", "gs://a"}) {
    EXPECT_FALSE(parse_s3_address(address).ok()) << address;
  }
}

}  // namespace
}  // namespace cloister::posture
