#include "seal/meta.h"

#include <gtest/gtest.h>

#include "base/cbor.h"
#include "tests/support/hex.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

TEST(Meta, ReadsWhatItWrote) {
  const Meta meta{"application/octet-stream", "weights-é.bin", Time{1'795'000'000'123}, Time{5}, 0640};
  const auto read = parse_meta(serialize_meta(meta));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value().content_type, meta.content_type);
  EXPECT_EQ(read.value().name, meta.name);
  EXPECT_EQ(read.value().sealed_at, meta.sealed_at);
  EXPECT_EQ(read.value().modified_at, meta.modified_at);
  EXPECT_EQ(read.value().mode, meta.mode);
}

TEST(Meta, MayBeEmpty) {
  EXPECT_EQ(to_hex(serialize_meta({})), "a0");
  const auto read = parse_meta(testing::unhex("a0"));
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read.value().name.has_value());
}

TEST(Meta, EntriesOfALaterVersion) {
  EXPECT_TRUE(parse_meta(CborWriter().map(1).unsigned_integer(64).array(1).text("x").take()).ok());
  expect_refused(parse_meta(CborWriter().map(1).unsigned_integer(6).text("x").take()), Code::kUnsupported, "6");
  expect_refused(parse_meta(CborWriter().map(1).unsigned_integer(63).text("x").take()), Code::kUnsupported, "63");
  expect_refused(parse_meta(CborWriter().map(1).unsigned_integer(0).text("x").take()), Code::kUnsupported, "0");
}

TEST(Meta, Malformed) {
  for (const std::string_view text : {
           "",            // nothing
           "80",          // not a map
           "a1016161ff",  // bytes after the map
           "a10141ff",    // name that is bytes
           "a10261ff",    // name that isn't UTF-8
           "a102620a61",  // name with a control character
           "a103616a",    // time that is text
           "a10320",      // time before 1970
           "a1031bffffffffffffffff",
           "a105191000",      // permission bits above 07777
           "a2026161016162",  // disordered
           "a2026161026162",  // repeated
           "a1206161",        // negative key
           "a1616161",        // key that is text
           "a2026161",        // ends early
           "bf026161ff",      // indefinite
       }) {
    SCOPED_TRACE(text);
    expect_refused(parse_meta(testing::unhex(text)), Code::kCorrupt, "");
  }
}

TEST(Meta, LatestTime) {
  EXPECT_TRUE(parse_meta(testing::unhex("a1031b4000000000000000")).ok());
  expect_refused(parse_meta(testing::unhex("a1041b4000000000000001")), Code::kCorrupt, "time");
}

TEST(Meta, NestedToTheLimitAndBeyond) {
  // The outermost map is the first of four levels.
  EXPECT_TRUE(parse_meta(testing::unhex("a1184081818101")).ok());
  expect_refused(parse_meta(testing::unhex("a118408181818101")), Code::kCorrupt, "deeply");
}

TEST(Meta, TooManyItems) {
  // 1024 in all: the map, the key, the array and 1021 numbers.
  const auto with = [](std::uint64_t numbers) {
    CborWriter writer;
    writer.map(1).unsigned_integer(64).array(numbers);
    for (std::uint64_t i = 0; i < numbers; ++i) writer.unsigned_integer(1);
    return writer.take();
  };
  EXPECT_TRUE(parse_meta(with(1021)).ok());
  expect_refused(parse_meta(with(1022)), Code::kCorrupt, "too many");
}

TEST(Meta, LongestText) {
  Meta meta;
  meta.name = std::string(65536, 'a');
  EXPECT_TRUE(parse_meta(serialize_meta(meta)).ok());
  meta.name->push_back('a');
  expect_refused(parse_meta(serialize_meta(meta)), Code::kCorrupt, "limit");
}

}  // namespace
}  // namespace cloister::seal
