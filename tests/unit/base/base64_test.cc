#include "base/base64.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

// RFC 4648 10.
TEST(Base64, KnownAnswers) {
  const std::pair<std::string_view, std::string_view> pairs[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : pairs) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(as_text(from_base64(text).value()), plain);
    const std::string url(text.substr(0, text.find('=')));
    EXPECT_EQ(to_base64(as_bytes(plain), Base64::kUrl), url);
    EXPECT_EQ(as_text(from_base64(url, Base64::kUrl).value()), plain);
  }
}

TEST(Base64, EveryByteGoesThereAndBack) {
  Bytes bytes(256);
  for (std::size_t i = 0; i < 256; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  for (std::size_t size = 0; size <= 256; ++size) {
    const ByteView part = ByteView(bytes).last(size);
    for (const Base64 alphabet : {Base64::kStandard, Base64::kUrl}) {
      const std::string text = to_base64(part, alphabet);
      ASSERT_TRUE(equal(from_base64(text, alphabet).value(), part)) << text;
      EXPECT_EQ(base64_decoded_size(text, alphabet).value(), size);
    }
  }
  EXPECT_EQ(to_base64(Bytes{0xfb, 0xff, 0xfe}), "+//+");
  EXPECT_EQ(to_base64(Bytes{0xfb, 0xff, 0xfe}, Base64::kUrl), "-__-");
}

TEST(Base64, OneCharacterOutsideTheAlphabet) {
  for (int c = 0; c < 256; ++c) {
    // Characters are read eight at a time, and what is left one by one.
    for (std::size_t place = 0; place < 19; ++place) {
      std::string text(20, 'A');
      text[place] = static_cast<char>(c);
      const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      EXPECT_EQ(from_base64(text).ok(), letter || c == '+' || c == '/') << c << " at " << place;
      EXPECT_EQ(from_base64(text, Base64::kUrl).ok(), letter || c == '-' || c == '_') << c << " at " << place;
    }
  }
}

TEST(Base64, EveryDigitInEveryPlace) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned value = 0; value < 64; ++value) {
    for (std::size_t place = 0; place < 16; ++place) {
      std::string text(16, 'A');
      text[place] = kDigits[value];
      const Bytes bytes = from_base64(text).value();
      Bytes expected(12);
      for (std::size_t bit = 0; bit < 6; ++bit) {
        const std::size_t at = 6 * place + bit;
        expected[at / 8] |= static_cast<std::uint8_t>((value >> (5 - bit) & 1) << (7 - at % 8));
      }
      ASSERT_EQ(bytes, expected) << text;
      ASSERT_EQ(to_base64(bytes), text);
    }
  }
}

TEST(Base64, WrongPaddingOrLength) {
  for (const std::string_view text : {"A", "AA", "AAA", "AAAAA", "=", "==", "====", "A===", "AA=A", "AA==AAAA",
                                      "AAA=\n", " AAA", "AAAA==", "AAA=="}) {
    const auto bytes = from_base64(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code(), Code::kInvalid);
  }
  for (const std::string_view text : {"A", "AAAAA", "AA==", "AAA=", "AAAA="}) {
    EXPECT_FALSE(from_base64(text, Base64::kUrl).ok()) << text;
  }
}

TEST(Base64, BitsBehindTheLastByte) {
  EXPECT_FALSE(from_base64("AB==").ok());
  EXPECT_FALSE(from_base64("AAB=").ok());
  EXPECT_FALSE(from_base64("AB", Base64::kUrl).ok());
  EXPECT_FALSE(from_base64("AAB", Base64::kUrl).ok());
  EXPECT_TRUE(from_base64("AQ==").ok());
  EXPECT_TRUE(from_base64("AAE", Base64::kUrl).ok());
}

TEST(Base64, RoomOfTheWrongSize) {
  std::uint8_t room[4];
  EXPECT_FALSE(decode_base64("AAAA", Base64::kStandard, room).ok());
  EXPECT_FALSE(decode_base64("AAAA", Base64::kStandard, MutableByteView(room).first(2)).ok());
  EXPECT_TRUE(decode_base64("AAAA", Base64::kStandard, MutableByteView(room).first(3)).ok());
}

}  // namespace
}  // namespace cloister
