// What is at AWS and nobody declared, and lists that end too early or never.
#include "posture/collect/cloud/aws_discovery.h"

#include "posture/inventory.h"
#include "tests/support/expect.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
const std::string kEc2Host = "POST ec2.us-east-1.amazonaws.com/ ";
const std::string kRdsHost = "POST rds.us-east-1.amazonaws.com/ ";

std::string volumes(const std::string& items, const std::string& next = "") {
  return "<DescribeVolumesResponse><requestId>r</requestId><volumeSet>" + items + "</volumeSet>" +
         (next.empty() ? "" : "<nextToken>" + next + "</nextToken>") + "</DescribeVolumesResponse>";
}

std::string volume(const std::string& id, const std::string& inside) {
  return "<item><volumeId>" + id + "</volumeId>" + inside + "</item>";
}

std::string instances(const std::string& items, const std::string& marker = "") {
  return "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances>" + items + "</DBInstances>" +
         (marker.empty() ? "" : "<Marker>" + marker + "</Marker>") +
         "</DescribeDBInstancesResult></DescribeDBInstancesResponse>";
}

struct AwsDiscoveryTest : ::testing::Test {
  AwsWorld world;

  AwsDiscoveryTest() {
    world.keys = {{kOwnKey, "CUSTOMER"}, {kAwsKey, "AWS"}};
    world.answers["GET s3.us-east-1.amazonaws.com/"] = {
        200, "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"};
    answer(kEc2Host + "DescribeVolumes", volumes(""));
    answer(kEc2Host + "DescribeSnapshots", "<DescribeSnapshotsResponse><snapshotSet/></DescribeSnapshotsResponse>");
    answer(kRdsHost + "DescribeDBInstances", instances(""));
    answer(kRdsHost + "DescribeDBClusters",
           "<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters/></DescribeDBClustersResult>"
           "</DescribeDBClustersResponse>");
  }
  void answer(const std::string& place, const std::string& body) { world.answers[place] = {200, body}; }
  // Of a source's fact why it couldn't be read, or "" where it could.
  static std::string unread(const KeptFacts& facts, const std::string& what) {
    for (const Fact& fact : facts.all) {
      if (fact.kind == "inventory.source" && fact.scope.starts_with(what)) return fact.not_assessed.value_or("");
    }
    return "nobody looked";
  }
};

TEST_F(AwsDiscoveryTest, EveryPageOfVolumes) {
  answer(kEc2Host + "DescribeVolumes",
         volumes(volume("vol-1", "<encrypted>true</encrypted><kmsKeyId>" + kOwnKey + "</kmsKeyId>"), "more"));
  answer(kEc2Host + "DescribeVolumes more", volumes(volume("vol-2", "<encrypted>false</encrypted>")));
  const Estate estate = estate_of("ebs:vol-1");
  const KeptFacts facts = world.collect(estate);
  EXPECT_EQ(unread(facts, "EBS volumes"), "");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:ebs:vol-2"), "encrypted"), "no");
  EXPECT_NE(facts.only(kStorage, "location:ebs:vol-2").raw.find("encrypted: false\n"), std::string::npos);
  EXPECT_EQ(facts.only("inventory.seen", "location:ebs:vol-2").truth("present"), true);
  EXPECT_EQ(facts.count("inventory.seen"), 1U) << "vol-1 is declared";

  const auto entries = inventory_facts(estate, facts.all, world.waiting.now);
  const auto found = std::ranges::find_if(entries, [](const Fact& fact) { return fact.subject.id == "ebs:vol-2"; });
  ASSERT_NE(found, entries.end());
  EXPECT_EQ(found->truth("declared"), false);
  EXPECT_EQ(found->truth("observed"), true);
  EXPECT_EQ(entries.back().list("read")->size(), 5U);
  EXPECT_TRUE(entries.back().list("unread")->empty());
}

TEST_F(AwsDiscoveryTest, SnapshotsAndDatabases) {
  answer(kEc2Host + "DescribeSnapshots",
         "<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-1</snapshotId><encrypted>true</encrypted>"
         "<kmsKeyId>" +
             kAwsKey + "</kmsKeyId></item></snapshotSet></DescribeSnapshotsResponse>");
  answer(kRdsHost + "DescribeDBInstances",
         instances("<DBInstance><DBInstanceIdentifier>alone</DBInstanceIdentifier>"
                   "<StorageEncrypted>false</StorageEncrypted></DBInstance>"
                   "<DBInstance><DBInstanceIdentifier>member</DBInstanceIdentifier>"
                   "<DBClusterIdentifier>cluster</DBClusterIdentifier></DBInstance>"));
  answer(kRdsHost + "DescribeDBClusters",
         "<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters><DBCluster><DBClusterIdentifier>cluster"
         "</DBClusterIdentifier><StorageEncrypted>true</StorageEncrypted></DBCluster></DBClusters>"
         "</DescribeDBClustersResult></DescribeDBClustersResponse>");
  const KeptFacts facts = world.collect(estate_of("file:/srv/x"));
  EXPECT_EQ(text_in(facts.only(kStorage, "location:ebs:snap-1"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:rds:alone"), "encrypted"), "no");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:rds:cluster"), "key_manager"), "unknown");
  EXPECT_EQ(facts.count("inventory.seen"), 3U) << "a cluster's instance has no storage of its own";
}

TEST_F(AwsDiscoveryTest, DeniedListIsUnread) {
  for (const char* operation : {"DescribeVolumes", "DescribeSnapshots"}) world.answers.erase(kEc2Host + operation);
  const KeptFacts facts = world.collect(estate_of("file:/srv/x"));
  EXPECT_NE(unread(facts, "EBS volumes"), "");
  EXPECT_NE(unread(facts, "EBS snapshots"), "");
  EXPECT_EQ(unread(facts, "RDS instances"), "");
}

TEST_F(AwsDiscoveryTest, EndlessOrBrokenList) {
  answer(kEc2Host + "DescribeVolumes", volumes("", "again"));
  answer(kEc2Host + "DescribeVolumes again", volumes("", "again"));
  answer(kRdsHost + "DescribeDBInstances", instances("<DBInstance><Engine>x</Engine></DBInstance>"));
  answer(kRdsHost + "DescribeDBClusters", instances(""));
  const KeptFacts facts = world.collect(estate_of("file:/srv/x"));
  EXPECT_NE(unread(facts, "EBS volumes").find("doesn't end"), std::string::npos);
  EXPECT_NE(unread(facts, "RDS instances").find("without a name"), std::string::npos);
  EXPECT_EQ(unread(facts, "RDS clusters"), "") << "an answer about instances has none";
}

TEST_F(AwsDiscoveryTest, UndeclaredBucketIsSeen) {
  answer("GET s3.us-east-1.amazonaws.com/",
         "<ListAllMyBucketsResult><Buckets><Bucket><Name>corpus</Name></Bucket></Buckets>"
         "<ContinuationToken>t+1</ContinuationToken></ListAllMyBucketsResult>");
  answer("GET s3.us-east-1.amazonaws.com/?continuation-token=t%2B1",
         "<ListAllMyBucketsResult><Buckets><Bucket><Name>forgotten</Name></Bucket></Buckets></ListAllMyBucketsResult>");
  world.bucket("forgotten", "AES256", "");
  KeptFacts facts = world.collect(estate_of("s3://corpus/data/"));
  EXPECT_EQ(facts.only("inventory.seen", "location:s3://forgotten").truth("present"), true);
  EXPECT_EQ(text_in(facts.only(kStorage, "location:s3://forgotten"), "key_manager"), "platform_default");
  EXPECT_EQ(unread(facts, "S3 buckets"), "");
  world.answers.erase("GET s3.us-east-1.amazonaws.com/");
  EXPECT_NE(unread(world.collect(estate_of("s3://corpus")), "S3 buckets"), "");
}

TEST_F(AwsDiscoveryTest, ListOfBucketsThatGoesOnForever) {
  const std::string page =
      "<ListAllMyBucketsResult><Buckets/><ContinuationToken>t</ContinuationToken></ListAllMyBucketsResult>";
  answer("GET s3.us-east-1.amazonaws.com/", page);
  answer("GET s3.us-east-1.amazonaws.com/?continuation-token=t", page);
  EXPECT_NE(unread(world.collect(estate_of("s3://corpus")), "S3 buckets").find("doesn't end"), std::string::npos);
}

TEST_F(AwsDiscoveryTest, StoppedIsUnread) {
  Progress progress;
  progress.request_stop();
  const Estate estate = estate_of("file:/srv/x");
  KeptFacts facts;
  CollectContext context;
  context.estate = &estate;
  context.progress = &progress;
  AwsCollector(world.options(), world.waiting.waiting()).collect(context, facts);
  EXPECT_EQ(unread(facts, "EBS volumes"), "it was stopped");
}

TEST(AwsPages, WhatIsNoList) {
  expect_refused(parse_ebs_page("<Other/>"), Code::kCorrupt, "isn't the list");
  expect_refused(parse_ebs_page(instances("")), Code::kCorrupt, "isn't the list");
  expect_refused(parse_rds_page(volumes("")), Code::kCorrupt, "isn't the list");
  expect_refused(parse_ebs_page(volumes("", std::string(5000, 't'))), Code::kCorrupt, "too long");
  EXPECT_EQ(value_of(parse_ebs_page(volumes(volume("vol-1", "")))).found.at(0).view.encrypted, "unknown");
}

}  // namespace
}  // namespace cloister::posture
