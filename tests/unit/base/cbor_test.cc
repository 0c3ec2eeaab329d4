#include "base/cbor.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister {
namespace {

using testing::unhex;

// RFC 8949 appendix A.
TEST(Cbor, WritesTheShortestForm) {
  EXPECT_EQ(to_hex(CborWriter().unsigned_integer(23).take()), "17");
  EXPECT_EQ(to_hex(CborWriter().unsigned_integer(24).take()), "1818");
  EXPECT_EQ(to_hex(CborWriter().unsigned_integer(1000).take()), "1903e8");
  EXPECT_EQ(to_hex(CborWriter().unsigned_integer(1000000).take()), "1a000f4240");
  EXPECT_EQ(to_hex(CborWriter().unsigned_integer(~std::uint64_t{0}).take()), "1bffffffffffffffff");
  EXPECT_EQ(to_hex(CborWriter().integer(-1).take()), "20");
  EXPECT_EQ(to_hex(CborWriter().integer(-1000).take()), "3903e7");
  EXPECT_EQ(to_hex(CborWriter().integer(INT64_MIN).take()), "3b7fffffffffffffff");
  EXPECT_EQ(to_hex(CborWriter().bytes(Bytes{1, 2, 3, 4}).take()), "4401020304");
  EXPECT_EQ(to_hex(CborWriter().text("IETF").take()), "6449455446");
  EXPECT_EQ(to_hex(CborWriter().array(2).unsigned_integer(1).unsigned_integer(2).take()), "820102");
}

TEST(Cbor, ReadsWhatItWrote) {
  const Bytes bytes =
      CborWriter().map(2).unsigned_integer(1).text("grüße").unsigned_integer(2).array(1).integer(-5).take();
  CborReader reader(bytes, {});
  EXPECT_EQ(reader.map().value(), 2U);
  EXPECT_EQ(reader.unsigned_integer().value(), 1U);
  EXPECT_EQ(reader.text().value(), "grüße");
  EXPECT_EQ(reader.unsigned_integer().value(), 2U);
  EXPECT_TRUE(reader.skip().ok());
  EXPECT_TRUE(reader.expect_end().ok());
}

TEST(Cbor, RefusesWhatIsNotDeterministicOrNotOurs) {
  for (const std::string_view text : {
           "",                                                          // nothing
           "18",         "1903",   "1bff",                              // cut short
           "1817",       "190018", "1a0000ffff", "1b00000000ffffffff",  // longer than needed
           "1c",         "1f",     "5f4101ff",   "9f01ff",
           "bf0102ff",                                                  // reserved and indefinite lengths
           "c001",       "f4",     "f6",         "fb3ff199999999999a",  // tags, simple values, floats
           "4401",       "6261",   "8201",       "a201020102",
           "a202010102",          // short, doubled and disordered
           "61ff",       "610a",  // not plain text
       }) {
    const Bytes bytes = unhex(text);
    CborReader reader(bytes, {});
    const Status status = reader.skip();
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.error().code(), Code::kCorrupt);
  }
}

TEST(Cbor, RefusesWhatIsOverItsLimits) {
  const Bytes deep = unhex("818181818101");
  EXPECT_FALSE(CborReader(deep, {}).skip().ok());
  EXPECT_TRUE(CborReader(deep, {.depth = 10}).skip().ok());
  const Bytes many = unhex("9affffffff");
  EXPECT_FALSE(CborReader(many, {}).skip().ok());
  EXPECT_FALSE(CborReader(unhex("83010203"), {.items = 3}).skip().ok());
  EXPECT_FALSE(CborReader(unhex("5affffffff"), {}).skip().ok());
  const Bytes long_text = CborWriter().text("12345").take();
  EXPECT_FALSE(CborReader(long_text, {.string = 4}).text().ok());
  EXPECT_TRUE(CborReader(long_text, {.string = 5}).text().ok());
}

TEST(Cbor, RefusesAnotherTypeThanAskedFor) {
  const Bytes text = CborWriter().text("1").take();
  const Bytes number = CborWriter().unsigned_integer(1).take();
  EXPECT_FALSE(CborReader(text, {}).unsigned_integer().ok());
  EXPECT_FALSE(CborReader(text, {}).map().ok());
  EXPECT_FALSE(CborReader(number, {}).text().ok());
  EXPECT_FALSE(CborReader(number, {}).expect_end().ok());
  const Bytes negative = CborWriter().integer(-1).take();
  EXPECT_FALSE(CborReader(negative, {}).unsigned_integer().ok());
}

}  // namespace
}  // namespace cloister
