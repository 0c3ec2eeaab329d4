#include "base/bytes.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister {
namespace {

using testing::unhex;

TEST(Hex, GoesThereAndBack) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x0f, 0xa0, 0xff}), "000fa0ff");
  EXPECT_EQ(from_hex("000FA0ff").value(), (Bytes{0x00, 0x0f, 0xa0, 0xff}));
  EXPECT_TRUE(from_hex("").value().empty());
}

TEST(Hex, RefusesWhatIsNotHexadecimal) {
  for (const std::string_view text : {"0", "abc", "0g", "g0", " 0", "0x", "1\n", "--"}) {
    const auto bytes = from_hex(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code(), Code::kInvalid);
  }
  EXPECT_FALSE(from_hex(std::string_view("0\0", 2)).ok());
}

TEST(Bytes, ComparesSizeAndContent) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1}));
  EXPECT_TRUE(all_zero({}));
  EXPECT_TRUE(all_zero(Bytes(40)));
  EXPECT_FALSE(all_zero(Bytes{0, 0, 1}));
}

TEST(Bytes, IntegersHaveAFixedOrder) {
  std::uint8_t raw[8];
  store_le<std::uint64_t>(raw, 0x0102030405060708);
  EXPECT_EQ(to_hex(raw), "0807060504030201");
  EXPECT_EQ(load_le<std::uint64_t>(raw), 0x0102030405060708U);
  EXPECT_EQ(load_le<std::uint16_t>(raw), 0x0708U);
  store_be64(raw, 0x0102030405060708);
  EXPECT_EQ(to_hex(raw), "0102030405060708");
}

// RFC 3720 B.4.
TEST(Crc32c, KnownAnswers) {
  Bytes ascending(32);
  Bytes descending(32);
  for (std::uint8_t i = 0; i < 32; ++i) {
    ascending[i] = i;
    descending[31 - i] = i;
  }
  EXPECT_EQ(crc32c(Bytes(32)), 0x8a9136aaU);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43U);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(crc32c(descending), 0x113fdb5cU);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, SeesAFlippedBit) {
  Bytes bytes(4096, 0x5a);
  const std::uint32_t before = crc32c(bytes);
  bytes[4095] ^= 0x80;
  EXPECT_NE(crc32c(bytes), before);
}

}  // namespace
}  // namespace cloister
