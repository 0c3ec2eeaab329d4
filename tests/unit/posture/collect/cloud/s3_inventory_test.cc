// Reports of S3 Inventory: what they prove, and reports of which a part is missing.
#include "posture/collect/cloud/s3_inventory.h"

#include <zlib.h>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
constexpr Time kCreated{1'795'480'000'000};  // 2026-11-24T00:26:40Z
const std::string kSchema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, EncryptionStatus";

std::string line(const std::string& key, const std::string& status, const std::string& version = "",
                 const std::string& latest = "true", const std::string& mark = "false") {
  return "\"corpus\",\"" + key + "\",\"" + version + "\",\"" + latest + "\",\"" + mark + "\",\"" + status + "\"\n";
}

std::string packed(const std::string& text) {
  std::string out(::compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

struct S3InventoryTest : ::testing::Test {
  testing::TempDir folder;
  Estate estate;

  S3InventoryTest() {
    estate.locations.push_back({"corpus", "s3://corpus/data", DataKind::kTrainingData, {}, {}, 1});
    estate.locations.push_back({"models", "s3://corpus/models", DataKind::kModel, {}, {}, 2});
  }
  Path write(const std::string& name, const std::string& text) {
    const Path path = folder.path() / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(write_file(path, as_bytes(text), Overwrite::kReplace, 0600).ok());
    return path;
  }
  // A manifest as S3 writes it, in a folder beside that of its parts.
  Path manifest(const std::string& part, std::size_t size, const std::string& schema = kSchema) {
    return write("daily/2026-11-24T01-00Z/manifest.json",
                 R"({"sourceBucket":"corpus","destinationBucket":"arn:aws:s3:::reports","version":"2016-11-30",)"
                 R"("creationTimestamp":")" +
                     std::to_string(kCreated.unix_ms) + R"(","fileFormat":"CSV","fileSchema":")" + schema +
                     R"(","files":[{"key":"x/corpus/daily/data/)" + part + R"(","size":)" + std::to_string(size) +
                     R"(,"MD5checksum":"f11166069f1990abeb9c97ace9cdfabc"}]})");
  }
  Path report(const std::string& text, const std::string& schema = kSchema) {
    const std::string bytes = packed(text);
    write("daily/data/p.csv.gz", bytes);
    return manifest("p.csv.gz", bytes.size(), schema);
  }
  KeptFacts collect(const Path& path) {
    KeptFacts facts;
    CollectContext context;
    context.estate = &estate;
    context.now = kCreated + days(1);
    S3InventoryCollector({path}).collect(context, facts);
    return facts;
  }
  // Why the report couldn't be read; empty where it was.
  std::string unread(const Path& path) {
    const KeptFacts facts = collect(path);
    for (const Fact& fact : facts.all) {
      if (fact.kind == "inventory.source") return fact.not_assessed.value_or("");
    }
    return "nobody looked";
  }
};

TEST_F(S3InventoryTest, ObjectsThatNothingOrAwsEncrypts) {
  const KeptFacts facts =
      collect(report(line("data/a", "SSE-KMS") + line("data/b%2Bc+d", "SSE-S3") +
                     line("data/a", "NOT-SSE", "v1", "false") + line("data/gone", "NOT-SSE", "v2", "true", "true") +
                     line("models/m", "DSSE-KMS") + line("elsewhere", "NOT-SSE")));
  const Fact& corpus = facts.only(kStorage, "location:corpus");
  EXPECT_EQ(text_in(corpus, "encrypted"), "no");
  EXPECT_EQ(text_in(corpus, "level"), "object");
  EXPECT_EQ(corpus.number("objects"), 3);
  EXPECT_EQ(corpus.number("objects_sampled"), 3);
  EXPECT_EQ(corpus.number("sample_bound_permille"), 0);
  EXPECT_TRUE(notes_say(corpus, "1 objects SSE-S3"));
  EXPECT_EQ(corpus.at, kCreated);
  EXPECT_EQ(corpus.valid_until, kCreated + kContentScanValid);
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#data/b+c d"), "key_manager"), "platform_default");
  EXPECT_EQ(text_in(facts.only(kStorage, "object:corpus#data/a?versionId=v1"), "encrypted"), "no");
  EXPECT_EQ(facts.count(kStorage), 3U);
  // A report names no keys, so that it proves nothing good.
  EXPECT_EQ(facts.only("inventory.seen", "location:models").truth("present"), true);
  EXPECT_EQ(text_in(facts.only("inventory.seen", "location:models"), "address"), "s3://corpus/models");
  EXPECT_NE(facts.only("inventory.seen", "location:models").scope, "");
  EXPECT_NE(corpus.raw.find("SSE-S3: 1"), std::string::npos);
  EXPECT_EQ(facts.only("inventory.source", "platform").number("entries"), 6);
}

TEST_F(S3InventoryTest, WorstIsToldThoughItIsBeyondTheHundred) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += line("data/" + std::to_string(i), "SSE-S3");
  const KeptFacts facts = collect(report(text + line("data/last", "NOT-SSE")));
  EXPECT_EQ(text_in(facts.only(kStorage, "location:corpus"), "encrypted"), "no");
  EXPECT_EQ(facts.count(kStorage), 101U);
}

TEST_F(S3InventoryTest, PartThatIsMissingOrDamaged) {
  EXPECT_NE(unread(manifest("missing.csv.gz", 10)), "");
  const std::string bytes = packed(line("data/a", "NOT-SSE") + std::string(40'000, 'x'));
  write("daily/data/short.csv.gz", bytes.substr(0, bytes.size() - 9));
  EXPECT_NE(unread(manifest("short.csv.gz", bytes.size())).find("size"), std::string::npos);
  EXPECT_NE(unread(manifest("short.csv.gz", bytes.size() - 9)), "") << "cut off";
  EXPECT_NE(unread(report("\"corpus\",\"data/a\n")), "") << "a quote that doesn't end";
  EXPECT_NE(unread(report("\"corpus\",\"data/a\"\n")), "") << "too few fields";
  EXPECT_NE(unread(report(line("data/%zz", "NOT-SSE"))), "") << "a broken escape";
  EXPECT_NE(unread(report("\"" + std::string(100'000, 'x') + "\"\n")), "") << "an endless line";
  EXPECT_NE(unread(folder.path() / "nothing.json"), "");
}

TEST_F(S3InventoryTest, ReportWithoutEncryption) {
  EXPECT_NE(unread(report("x", "Bucket, Key")).find("EncryptionStatus"), std::string::npos);
}

TEST(S3Manifest, WhatIsNone) {
  const std::string head = R"({"sourceBucket":"b","creationTimestamp":"1","fileSchema":"Key, EncryptionStatus",)";
  expect_refused(parse_s3_manifest(R"({"sourceBucket":"b"})"), Code::kInvalid, "no manifest");
  expect_refused(parse_s3_manifest(head + R"("fileFormat":"Parquet","files":[]})"), Code::kUnsupported, "CSV");
  expect_refused(parse_s3_manifest(head + R"("fileFormat":"CSV","files":[{"key":"a"}]})"), Code::kInvalid, "size");
  expect_refused(parse_s3_manifest(head + R"("fileFormat":"CSV","files":[{"key":"a/..","size":1}]})"), Code::kInvalid,
                 "name");
  expect_refused(parse_s3_manifest(R"({"sourceBucket":"b","creationTimestamp":"-1","fileFormat":"CSV","files":[]})"),
                 Code::kInvalid, "time");
  EXPECT_FALSE(parse_s3_manifest("{").ok());
}

TEST(S3InventoryLine, Fields) {
  EXPECT_EQ(value_of(parse_csv_line(R"("a,b","c""d",e,)")), (std::vector<std::string>{"a,b", "c\"d", "e", ""}));
  expect_refused(parse_csv_line(R"("a)"), Code::kInvalid, "doesn't end");
  expect_refused(parse_csv_line(R"("a"b)"), Code::kInvalid, "follows");
}

}  // namespace
}  // namespace cloister::posture
