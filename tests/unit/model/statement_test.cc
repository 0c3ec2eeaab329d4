#include "model/statement.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kDigests[] = {"bc9a717db6064a32cbe9eae6fc40651dd6d36ef1757183f590eff2b1765d7ebc",
                                         "32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028"};
// The published statement of the reference's fixture v1.1.0-elliptic-key.
constexpr std::string_view kGood =
    R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"v1.1.0-elliptic-key","digest":{"sha256":"92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4"}}],"predicateType":"https://model_signing/signature/v1.0","predicate":{"resources":[{"algorithm":"sha256","name":"signme-1","digest":"bc9a717db6064a32cbe9eae6fc40651dd6d36ef1757183f590eff2b1765d7ebc"},{"algorithm":"sha256","name":"signme-2","digest":"32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028"}],"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":[".git","model.sig","ignore-me",".gitattributes",".gitignore",".github"]}}})";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  CLOISTER_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Result<Statement> parse(std::string_view text) { return parse_statement(as_bytes(text)); }

// Two digests, listed under these names, in shards of 8 bytes.
std::string sharded(const std::string& first, const std::string& second, const std::string& size = "8") {
  std::string text = with(R"("method":"files")", R"("method":"shards","shard_size":)" + size);
  text.replace(text.find("signme-1"), 8, first);
  return text.replace(text.find("signme-2"), 8, second);
}

TEST(ModelStatement, PublishedFixture) {
  const Statement statement = value_of(parse(kGood));
  EXPECT_EQ(statement.subject, "v1.1.0-elliptic-key");
  ASSERT_EQ(statement.resources.size(), 2U);
  EXPECT_EQ(statement.resources[1].path, "signme-2");
  EXPECT_EQ(to_hex(statement.resources[1].digest), kDigests[1]);
  EXPECT_EQ(statement.ignored.size(), 6U);
  EXPECT_EQ(value_of(parse(serialize_statement(statement))).root, statement.root);
}

TEST(ModelStatement, AboutSomethingElse) {
  expect_refused(parse(with("Statement/v1", "Statement/v0.1")), Code::kUnsupported, "another type");
  expect_refused(parse(with("signature/v1.0", "Digests/v0.1")), Code::kUnsupported, "something else");
  expect_refused(parse(with(R"("method":"files")", R"("method":"tree")")), Code::kUnsupported, "method");
  expect_refused(parse(with(R"("hash_type":"sha256")", R"("hash_type":"blake3")")), Code::kUnsupported, "SHA-256");
  expect_refused(parse(with(R"("algorithm":"sha256")", R"("algorithm":"blake3")")), Code::kUnsupported, "SHA-256");
}

TEST(ModelStatement, NotOneModel) {
  expect_refused(parse(with(R"("subject":[{)", R"("subject":[{"name":"x"},{)")), Code::kCorrupt, "one model");
  expect_refused(parse(with(R"("name":"v1.1.0-elliptic-key",)", "")), Code::kCorrupt, "name");
  expect_refused(parse(with(R"("subject")", R"("subjects")")), Code::kCorrupt, "subject");
  expect_refused(parse("{"), Code::kCorrupt, "JSON");
  expect_refused(parse("{}"), Code::kCorrupt, "_type");
}

TEST(ModelStatement, RootOfOtherFiles) {
  expect_refused(parse(with("92745110", "92745111")), Code::kCorrupt, "root digest");
  expect_refused(parse(with("32dcb1f8", "32dcb1f9")), Code::kCorrupt, "root digest");
}

TEST(ModelStatement, DigestOfAnotherForm) {
  expect_refused(parse(with("bc9a717d", "BC9A717D")), Code::kCorrupt, "lower case");
  expect_refused(parse(with("bc9a717d", "bc9a71")), Code::kCorrupt, "SHA-256");
  expect_refused(parse(with("bc9a717d", "bc 9a717")), Code::kCorrupt, "SHA-256");
}

TEST(ModelStatement, NameLeadsOut) {
  for (const std::string_view name :
       {"/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\\\b", "a\\u0000b", ""}) {
    expect_refused(parse(with("signme-1", name)), Code::kCorrupt, "leads out");
  }
  expect_refused(parse(with("signme-1", ".")), Code::kCorrupt, "one file and a directory");
}

TEST(ModelStatement, ListedTwice) { expect_refused(parse(with("signme-1", "signme-2")), Code::kCorrupt, "twice"); }

TEST(ModelStatement, NothingListed) {
  std::string text(kGood);
  const std::size_t from = text.find("[{\"algorithm");
  text.replace(from, text.find("],\"serialization") + 1 - from, "[]");
  expect_refused(parse(text), Code::kCorrupt, "no file");
}

TEST(ModelStatement, IgnoresMoreThanPaths) {
  for (const std::string_view path : {"*", "../x", "/x", "a?"}) {
    expect_refused(parse(with("ignore-me", path)), Code::kCorrupt, "leaves out");
  }
  expect_refused(parse(with(R"("allow_symlinks":false)", R"("allow_symlinks":"no")")), Code::kCorrupt, "symbolic");
}

TEST(ModelStatement, WholeFilesWithShards) {
  expect_refused(parse(with(R"("method":"files")", R"("method":"files","shard_size":8)")), Code::kCorrupt, "shards");
}

TEST(ModelStatement, ShardsOfOtherTools) {
  for (const std::string size : {"8", "8.0"}) {
    const Statement statement = value_of(parse(sharded("w:0:8", "w:8:12", size)));
    EXPECT_EQ(statement.shard_size, 8U);
    EXPECT_EQ(statement.resources[1].path, "w");
    EXPECT_EQ(statement.resources[1].end, 12U);
  }
  std::string text = sharded("w:0:8", "w:8:12");
  text.replace(text.find(R"("algorithm":"sha256")"), 20, R"("algorithm":"sha256-sharded-8")");
  EXPECT_TRUE(parse(text).ok());
}

TEST(ModelStatement, ShardsDoNotTile) {
  expect_refused(parse(sharded("w:0:8", "w:9:12")), Code::kCorrupt, "gaps");
  expect_refused(parse(sharded("w:0:8", "w:7:12")), Code::kCorrupt, "overlap");
  expect_refused(parse(sharded("w:8:16", "w:16:20")), Code::kCorrupt, "gaps");
  expect_refused(parse(sharded("w:0:4", "w:4:12")), Code::kCorrupt, "gaps");
  expect_refused(parse(sharded("w:0:9", "x:0:1")), Code::kCorrupt, "gaps");
  expect_refused(parse(sharded("w:0:8", "w")), Code::kCorrupt, "range");
  expect_refused(parse(sharded("../w:0:8", "x:0:1")), Code::kCorrupt, "leads out");
}

TEST(ModelStatement, ShardSizeImpossible) {
  for (const std::string size : {"0", "-8", "8.5", "\"8\"", "1e300", "null"}) {
    expect_refused(parse(sharded("w:0:8", "w:8:12", size)), Code::kCorrupt, "size of shards");
  }
}

}  // namespace
}  // namespace cloister::model
