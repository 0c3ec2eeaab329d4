#include "base/reader.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Reader, ReadsWhatAWriterWrote) {
  Writer writer;
  writer.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).text16("grüße").bytes(Bytes{9, 9}).zeros(3);
  const Bytes bytes = writer.take();
  Reader reader(bytes);
  EXPECT_EQ(reader.u8("a").value(), 1);
  EXPECT_EQ(reader.u16("b").value(), 0x0203);
  EXPECT_EQ(reader.u32("c").value(), 0x04050607U);
  EXPECT_EQ(reader.u64("d").value(), 0x08090a0b0c0d0e0fU);
  EXPECT_EQ(reader.text16(100, "e").value(), "grüße");
  std::uint8_t two[2];
  EXPECT_TRUE(reader.fill(two, "f").ok());
  EXPECT_EQ(two[1], 9);
  EXPECT_TRUE(reader.zeros(3, "g").ok());
  EXPECT_TRUE(reader.expect_end("all").ok());
  EXPECT_EQ(reader.offset(), bytes.size());
}

TEST(Reader, RefusesToRunPastTheEnd) {
  const Bytes bytes{1, 2, 3};
  Reader reader(bytes);
  const auto wide = reader.u32("count");
  ASSERT_FALSE(wide.ok());
  EXPECT_EQ(wide.error().code(), Code::kCorrupt);
  EXPECT_NE(wide.error().message().find("count"), std::string::npos);
  EXPECT_EQ(reader.remaining(), 3U) << "a refused read moves nothing";
  EXPECT_FALSE(reader.u64("x").ok());
  EXPECT_FALSE(reader.bytes(4, "x").ok());
  EXPECT_FALSE(reader.bytes(~std::size_t{0}, "x").ok());
  std::uint8_t four[4];
  EXPECT_FALSE(reader.fill(four, "x").ok());
  EXPECT_FALSE(reader.zeros(4, "x").ok());
  EXPECT_TRUE(reader.bytes(3, "x").ok());
  EXPECT_FALSE(reader.u8("x").ok());
}

TEST(Reader, HoldsLengthsAgainstTheirLimit) {
  const Bytes bytes = Writer().prefixed16(Bytes(10, 'a')).take();
  EXPECT_TRUE(Reader(bytes).prefixed16(10, "x").ok());
  EXPECT_EQ(Reader(bytes).prefixed16(9, "x").error().code(), Code::kCorrupt);
  EXPECT_EQ(Reader(bytes).text16(9, "x").error().code(), Code::kCorrupt);
  const ByteView cut = ByteView(bytes).first(11);
  EXPECT_FALSE(Reader(cut).prefixed16(10, "x").ok());
}

TEST(Reader, RefusesTrailingBytesAndNonZeroPadding) {
  const Bytes bytes{0, 0, 1};
  Reader reader(bytes);
  EXPECT_FALSE(Reader(bytes).zeros(3, "padding").ok());
  EXPECT_TRUE(reader.zeros(2, "padding").ok());
  EXPECT_EQ(reader.expect_end("header").error().code(), Code::kCorrupt);
}

TEST(Reader, RefusesTextThatIsNotPlain) {
  const Bytes bytes = Writer().text16("line\nfeed").take();
  EXPECT_EQ(Reader(bytes).text16(100, "name").error().code(), Code::kCorrupt);
}

TEST(PlainUtf8, TakesText) {
  for (const std::string_view text : {"", "plain ~", "grüße", "\xc2\xa0", "\xe2\x82\xac", "\xf0\x9f\x94\x92",
                                      "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(is_plain_utf8(text)) << text;
  }
}

TEST(PlainUtf8, RefusesMalformedAndControl) {
  for (const std::string_view text : {
           "\x01",
           "a\n",
           "\x1b[31m",
           "\x7f",  // control characters
           "\xc2\x80",
           "\xc2\x9f",  // C1
           "\x80",
           "\xff",
           "\xc0\xaf",
           "\xc1\xbf",  // never leads
           "\xe0\x80\xaf",
           "\xf0\x80\x80\xaf",  // overlong
           "\xed\xa0\x80",
           "\xed\xbf\xbf",  // surrogates
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",  // past U+10FFFF
           "\xc3",
           "\xe2\x82",
           "\xf0\x9f\x94",
           "a\xc3",  // cut short
           "\xc3(",
           "\xe2(\xac",
           "\xe2\x82(",  // a wrong continuation
       }) {
    EXPECT_FALSE(is_plain_utf8(text)) << to_hex(as_bytes(text));
  }
  EXPECT_FALSE(is_plain_utf8(std::string_view("a\0b", 3)));
}

TEST(WriterDeathTest, StopsAtAFieldTooLongForItsLength) {
  EXPECT_DEATH(Writer().prefixed16(Bytes(65536)), "internal check failed");
}

}  // namespace
}  // namespace cloister
