#include "base/cbor_item.h"

#include <gtest/gtest.h>

#include "base/cbor.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister {
namespace {

using testing::expect_refused;
using testing::unhex;
using testing::value_of;

constexpr CborItemLimits kIndefinite{.lengths = CborLengths::kAlsoIndefiniteMaps};

void expect_corrupt(std::string_view hex, std::string_view word, const CborItemLimits& limits = {}) {
  const Bytes bytes = unhex(hex);
  SCOPED_TRACE(hex);
  expect_refused(parse_cbor(bytes, limits), Code::kCorrupt, word);
}

// RFC 8949 appendix A.
TEST(CborItem, ReadsEachType) {
  const Bytes bytes =
      unhex("d28af5f4f6003b7fffffffffffffff3b80000000000000001bffffffffffffffff440102030464494554468102");
  const CborItem item = value_of(parse_cbor(bytes));
  EXPECT_EQ(item.tag(), 18U);
  const CborItem::Array& parts = *item.tagged()->array();
  ASSERT_EQ(parts.size(), 10U);
  EXPECT_EQ(parts[0].boolean(), true);
  EXPECT_EQ(parts[1].boolean(), false);
  EXPECT_TRUE(parts[2].is_null());
  EXPECT_EQ(parts[3].unsigned_integer(), 0U);
  EXPECT_EQ(parts[4].integer(), INT64_MIN);
  EXPECT_EQ(parts[5].integer(), std::nullopt);
  EXPECT_EQ(parts[6].unsigned_integer(), ~std::uint64_t{0});
  EXPECT_EQ(parts[6].integer(), std::nullopt);
  EXPECT_EQ(to_hex(*parts[7].bytes()), "01020304");
  EXPECT_EQ(parts[8].text(), "IETF");
  EXPECT_EQ(to_hex(parts[9].encoded()), "8102");
  EXPECT_EQ(item.encoded().size(), bytes.size());
}

TEST(CborItem, FindsByKeyAndHasNothingOfAnotherType) {
  const Bytes bytes = CborWriter().map(3).integer(1).text("one").integer(-1).bytes(Bytes{7}).text("x").array(0).take();
  const CborItem item = value_of(parse_cbor(bytes));
  EXPECT_EQ(item.find(1)->text(), "one");
  EXPECT_EQ(item.find(-1)->bytes()->size(), 1U);
  EXPECT_EQ(item.find("x")->array()->size(), 0U);
  EXPECT_EQ(item.find(2), nullptr);
  EXPECT_EQ(item.find("one"), nullptr);
  EXPECT_EQ(item.find(1)->find(1), nullptr);
  EXPECT_FALSE(item.find(1)->bytes() || item.find(1)->integer() || item.find(-1)->text() || item.boolean());
  EXPECT_FALSE(item.tag() || item.is_null() || item.array() != nullptr || item.tagged() != nullptr);
  EXPECT_EQ(item.find("x")->map(), nullptr);
}

TEST(CborItem, KeysNeedNotBeInOrder) {
  const Bytes bytes = unhex("a202010102");
  EXPECT_EQ(value_of(parse_cbor(bytes)).map()->size(), 2U);
}

TEST(CborItem, DuplicateKey) {
  expect_corrupt("a201020103", "a key twice");
  expect_corrupt("a3616101020361610a", "a key twice");
  expect_corrupt("bf01020103ff", "a key twice", kIndefinite);
}

TEST(CborItem, KeyOfAnotherType) {
  for (const char* hex : {"a1410100", "a1800000", "a1f500", "a1c10100"})
    expect_corrupt(hex, "neither integer nor text");
}

TEST(CborItem, MalformedOrNotUsedHere) {
  for (const char* hex : {"", "18", "1903", "4401", "6261", "8201", "d2", "a101"}) expect_corrupt(hex, "ends early");
  for (const char* hex : {"1817", "190018", "1a0000ffff", "1b00000000ffffffff", "5817"}) {
    expect_corrupt(hex, "shortest form");
  }
  for (const char* hex : {"1c", "1f", "5f4101ff", "7f6161ff", "9f01ff", "bf0102ff", "ff"}) {
    expect_corrupt(hex, "indefinite or reserved");
  }
  for (const char* hex : {"f7", "f820", "f97e00", "fa47c35000", "fb3ff199999999999a", "e0"}) {
    expect_corrupt(hex, "floats and simple values");
  }
  expect_corrupt("61ff", "UTF-8");
  expect_corrupt("610a", "UTF-8");
}

TEST(CborItem, BytesAfterTheEnd) {
  const Bytes bytes = unhex("010203");
  expect_refused(parse_cbor(bytes), Code::kCorrupt, "follow the end");
  EXPECT_EQ(value_of(parse_cbor_prefix(bytes)).encoded().size(), 1U);
}

TEST(CborItem, IndefiniteMapsOnlyWhereAskedFor) {
  const Bytes bytes = unhex("bf0102636162638102ff");
  const CborItem item = value_of(parse_cbor(bytes, kIndefinite));
  EXPECT_EQ(item.map()->size(), 2U);
  EXPECT_EQ(item.find(1)->integer(), 2);
  expect_corrupt("bf0102", "ends early", kIndefinite);
  expect_corrupt("bf01ff", "indefinite or reserved", kIndefinite);
  expect_corrupt("9f01ff", "indefinite or reserved", kIndefinite);
}

TEST(CborItem, OverTheLimits) {
  expect_corrupt("81818101", "too deeply", {.depth = 2});
  expect_corrupt("d2d2d201", "too deeply", {.depth = 2});
  expect_corrupt("bf01bf01bf0101ffffff", "too deeply", {.depth = 2, .lengths = CborLengths::kAlsoIndefiniteMaps});
  expect_corrupt("83010203", "too many items", {.items = 3});
  expect_corrupt("9affffffff", "ends early");
  expect_corrupt("5affffffff", "over the limit");
  expect_corrupt("450102030405", "over the limit", {.string = 4});
  const Bytes fits = unhex("818101");
  EXPECT_TRUE(parse_cbor(fits, {.depth = 2, .items = 3}).ok());
}

}  // namespace
}  // namespace cloister
