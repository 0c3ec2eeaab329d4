// Google Cloud: buckets, objects, disks and Vertex AI, whose keys they name, and answers that say nothing.
#include "posture/collect/cloud/google_collector.h"

#include "posture/collect/cloud/google_answers.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_hosts.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";
const std::string kKey = "projects/acme/locations/eu/keyRings/r/cryptoKeys/corpus";
const std::string kTheirKey = "projects/other/locations/eu/keyRings/r/cryptoKeys/corpus";

// Answers by what was asked, "storage.googleapis.com/storage/v1/b/corpus"; everything else is refused.
struct GoogleWorld {
  std::map<std::string, std::pair<unsigned, std::string>> answers;
  std::vector<std::string> methods;
  testing::TestWaiting waiting;
  testing::FunctionTransport script{[this](const net::Request& request) -> Result<net::Response> {
    methods.push_back(request.method);
    if (request.target.starts_with("169.254.169.254/")) {
      return net::Response{200, {{"metadata-flavor", "Google"}}, net::to_buffer(kToken), {}};
    }
    const auto found = answers.find(request.target);
    if (found == answers.end()) return net::Response{403, {}, net::to_buffer("{}"), {}};
    return net::Response{found->second.first, {}, net::to_buffer(found->second.second), {}};
  }};
  static constexpr std::string_view kToken = R"({"access_token":"t0ken","expires_in":3599,"token_type":"Bearer"})";

  void bucket(const std::string& encryption) {
    answers["storage.googleapis.com/storage/v1/b/corpus"] = {200, R"({"name":"corpus")" + encryption + "}"};
  }
  void objects(const std::string& items) {
    answers["storage.googleapis.com/storage/v1/b/corpus/o?maxResults=1000"] = {
        200, R"({"kind":"storage#objects","items":[)" + items + "]}"};
  }
  void key(const std::string& name) {
    answers["cloudkms.googleapis.com/v1/" + name] = {
        200, R"({"name":")" + name +
                 R"(","purpose":"ENCRYPT_DECRYPT","rotationPeriod":"7776000s","primary":{"name":")" + name +
                 R"(/cryptoKeyVersions/1","state":"ENABLED","protectionLevel":"HSM"}})"};
  }
  KeptFacts collect(const std::string& address, const std::string& own = "acme") {
    Estate estate = estate_of(address);
    estate.own_accounts = {own};
    KeptFacts facts;
    CollectContext context;
    context.estate = &estate;
    context.now = waiting.now;
    GoogleCollector({}, waiting.waiting(), testing::connect_to(script)).collect(context, facts);
    return facts;
  }
};

std::string encrypted_by(const std::string& key) { return R"(,"encryption":{"defaultKmsKeyName":")" + key + R"("})"; }

struct GoogleTest : ::testing::Test {
  GoogleWorld world;
  GoogleTest() {
    world.key(kKey);
    world.objects("");
  }
};

TEST_F(GoogleTest, WhoseKeyABucketNames) {
  world.bucket(encrypted_by(kKey));
  KeptFacts facts = world.collect("gs://corpus");
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "operator");
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key"), kKey);
  EXPECT_EQ(text_in(facts.only("key.posture", "key:" + kKey), "protection"), "hsm");
  EXPECT_EQ(facts.only("key.posture", "key:" + kKey).number("rotation_period_days"), 90);
  world.bucket("");
  EXPECT_EQ(text_in(world.collect("gs://corpus").only(kStorage, kCorpus), "key_manager"), "platform_default");
  world.bucket(encrypted_by(kTheirKey));
  EXPECT_EQ(text_in(world.collect("gs://corpus").only(kStorage, kCorpus), "key_manager"), "foreign");
  world.bucket(encrypted_by("projects/acme/locations/eu/keyRings/r/cryptoKeys/hidden"));
  facts = world.collect("gs://corpus");
  EXPECT_EQ(text_in(facts.only(kStorage, kCorpus), "key_manager"), "unknown");
  EXPECT_TRUE(facts.only("key.posture", "key:projects/acme/locations/eu/keyRings/r/cryptoKeys/hidden").not_assessed);
  world.bucket(encrypted_by("a/../b"));
  EXPECT_EQ(text_in(world.collect("gs://corpus").only(kStorage, kCorpus), "key_manager"), "unknown");
  world.bucket(encrypted_by(kKey));
  EXPECT_EQ(text_in(world.collect("gs://corpus", "").only(kStorage, kCorpus), "key_manager"), "unknown");
}

TEST_F(GoogleTest, ObjectsUnderAnotherKeyThanTheDefault) {
  world.bucket(encrypted_by(kKey));
  world.objects(R"({"name":"a","kmsKeyName":")" + kKey +
                R"(/cryptoKeyVersions/3"},{"name":"b"},)"
                R"({"name":"c","customerEncryption":{"keySha256":"x"}})");
  const KeptFacts facts = world.collect("gs://corpus");
  const Fact& fact = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "level"), "object");
  EXPECT_EQ(text_in(fact, "key_manager"), "platform_default");
  EXPECT_EQ(fact.number("objects"), 3);
  EXPECT_EQ(fact.number("objects_sampled"), 3);
  EXPECT_EQ(fact.number("sample_bound_permille"), 0);
  EXPECT_TRUE(notes_say(fact, "default: gcs, operator"));
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#b"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#c"), "key_manager"), "unknown");
  EXPECT_EQ(facts.count(kStorage), 3U);
}

TEST_F(GoogleTest, EndlessOrBrokenListIsNotAssessed) {
  world.bucket(encrypted_by(kKey));
  const std::string list = "storage.googleapis.com/storage/v1/b/corpus/o?maxResults=1000";
  for (const char* body :
       {"{}", "[]", R"({"kind":"storage#objects","items":{}})", R"({"kind":"storage#objects","items":[{}]})"}) {
    world.answers[list] = {200, body};
    EXPECT_TRUE(world.collect("gs://corpus").only(kStorage, kCorpus).not_assessed) << body;
  }
  const std::string page = R"({"kind":"storage#objects","items":[],"nextPageToken":"t"})";
  world.answers[list] = {200, page};
  world.answers[list + "&pageToken=t"] = {200, page};
  EXPECT_TRUE(world.collect("gs://corpus").only(kStorage, kCorpus).not_assessed);
  world.answers[list] = {503, R"({"error":{"code":503,"status":"UNAVAILABLE"}})"};
  EXPECT_TRUE(world.collect("gs://corpus").only(kStorage, kCorpus).not_assessed);
}

TEST_F(GoogleTest, DisksAndVertex) {
  world.answers["compute.googleapis.com/compute/v1/projects/acme/zones/eu-z/disks/d"] = {
      200, R"({"name":"d","diskEncryptionKey":{"kmsKeyName":")" + kKey + R"(/cryptoKeyVersions/1"}})"};
  EXPECT_EQ(text_in(world.collect("gce-disk:acme/eu-z/d").only(kStorage, kCorpus), "key_manager"), "operator");
  const std::string model = "projects/acme/locations/eu/models/1";
  world.answers["eu-aiplatform.googleapis.com/v1/" + model] = {200, R"({"name":")" + model + R"("})"};
  EXPECT_EQ(text_in(world.collect("vertex:" + model).only(kStorage, kCorpus), "key_manager"), "platform_default");
  for (const char* address :
       {"gce-disk:acme/z/other", "gce-disk:acme", "gce-disk:a/b/c/d", "gce-disk:../z/d", "vertex:x",
        "vertex:projects/acme/locations/eu/models/2", "gs://", "gs://a%2fb", "gs://hidden"}) {
    EXPECT_TRUE(world.collect(address).only(kStorage, kCorpus).not_assessed) << address;
  }
  EXPECT_EQ(world.collect("s3://x").count(kStorage), 0U);
}

TEST_F(GoogleTest, AnswersAboutSomethingElse) {
  const auto json = [](std::string_view text) { return value_of(parse_json(text)); };
  expect_refused(parse_gcs_bucket(json(R"({"name":"other"})"), "corpus"), Code::kCorrupt, "about");
  expect_refused(parse_gce_disk(json(R"({"name":"other"})"), "d"), Code::kCorrupt, "about");
  expect_refused(parse_vertex(json("{}"), "d"), Code::kCorrupt, "about");
  EXPECT_EQ(value_of(parse_gce_disk(json(R"({"name":"d","diskEncryptionKey":{"sha256":"x"}})"), "d")).key_manager,
            "unknown");
  EXPECT_EQ(google_key_of("projects/a/locations/b/keyRings/c"), "");
}

const std::string kBuckets = "storage.googleapis.com/storage/v1/b?maxResults=1000&project=acme";
const std::string kDisks = "compute.googleapis.com/compute/v1/projects/acme/aggregated/disks?maxResults=500";

// Of a source's fact why it couldn't be read, or "" where it could.
std::string unread(const KeptFacts& facts, const std::string& what) {
  for (const Fact& fact : facts.all) {
    if (fact.kind == "inventory.source" && fact.scope.starts_with(what)) return fact.not_assessed.value_or("");
  }
  return "nobody looked";
}

TEST_F(GoogleTest, WhatNobodyDeclared) {
  world.bucket(encrypted_by(kKey));
  world.answers[kBuckets] = {
      200, R"({"kind":"storage#buckets","nextPageToken":"t","items":[{"name":"corpus"},{"name":"forgotten"}]})"};
  world.answers[kBuckets + "&pageToken=t"] = {
      200, R"({"kind":"storage#buckets","items":[{"name":"own")" + encrypted_by(kKey) + "}]}"};
  world.answers[kDisks] = {200, R"({"kind":"compute#diskAggregatedList","items":{)"
                                R"("zones/eu-a":{"disks":[{"name":"d"},{"name":"e"}]},)"
                                R"("regions/eu":{"disks":[{"name":"r","diskEncryptionKey":{"kmsKeyName":")" +
                                    kTheirKey + R"("}}]},"zones/eu-b":{"warning":{"code":"NO_RESULTS_ON_PAGE"}}}})"};
  const KeptFacts facts = world.collect("gs://corpus/data");
  EXPECT_EQ(unread(facts, "buckets"), "");
  EXPECT_EQ(unread(facts, "disks"), "");
  EXPECT_EQ(facts.count("inventory.seen"), 5U) << "corpus is declared";
  EXPECT_EQ(text_in(facts.only(kStorage, "location:gs://forgotten"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:gs://own"), "key_manager"), "operator");
  EXPECT_NE(facts.only(kStorage, "location:gs://own").raw.find(kKey), std::string::npos);
  EXPECT_EQ(facts.only(kStorage, "location:gce-disk:acme/eu-a/d").raw, R"({"name":"d"})");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:gce-disk:acme/eu-a/d"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "location:gce-disk:acme/eu/r"), "key_manager"), "foreign");
}

TEST_F(GoogleTest, ListsThatLeaveSomethingOut) {
  EXPECT_NE(unread(world.collect("gs://corpus"), "buckets"), "") << "denied";
  const std::string page = R"({"kind":"storage#buckets","nextPageToken":"t"})";
  world.answers[kBuckets] = {200, page};
  world.answers[kBuckets + "&pageToken=t"] = {200, page};
  EXPECT_NE(unread(world.collect("gs://corpus"), "buckets").find("doesn't end"), std::string::npos);
  for (const char* body :
       {"{}", R"({"kind":"compute#diskAggregatedList","items":[]})",
        R"({"kind":"compute#diskAggregatedList","items":{"zones/z":{"disks":[{}]}}})",
        R"({"kind":"compute#diskAggregatedList","items":{"zones/z":{"warning":{"code":"UNREACHABLE"}}}})",
        R"({"kind":"compute#diskAggregatedList","unreachables":["zones/z"]})"}) {
    world.answers[kDisks] = {200, body};
    EXPECT_NE(unread(world.collect("gs://corpus"), "disks"), "") << body;
  }
  EXPECT_NE(unread(world.collect("gs://corpus", "111122223333"), "Google Cloud"), "") << "no project of its own";
}

TEST_F(GoogleTest, DiskOfARegion) {
  world.answers["compute.googleapis.com/compute/v1/projects/acme/regions/europe-west1/disks/d"] = {200,
                                                                                                   R"({"name":"d"})"};
  EXPECT_EQ(text_in(world.collect("gce-disk:acme/europe-west1/d").only(kStorage, kCorpus), "key_manager"),
            "platform_default");
}

TEST_F(GoogleTest, OnlyRequestsThatRead) {
  world.bucket(encrypted_by(kKey));
  world.collect("gs://corpus");
  for (const std::string& method : world.methods) EXPECT_EQ(method, "GET");
}

}  // namespace
}  // namespace cloister::posture
