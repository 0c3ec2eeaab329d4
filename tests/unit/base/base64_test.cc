#include "base/base64.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

// RFC 4648 section 10.
constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

TEST(Base64, KnownAnswers) {
  for (const auto& [plain, text] : kKnown) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    const auto bytes = from_base64(text);
    ASSERT_TRUE(bytes.ok()) << text;
    EXPECT_EQ(as_text(*bytes), plain);
  }
  EXPECT_EQ(to_base64(Bytes{0xfb, 0xff, 0xfe}), "+//+");
}

TEST(Base64, GoesThereAndBackAtEverySize) {
  Bytes bytes;
  for (unsigned i = 0; i < 300; ++i) {
    const auto back = from_base64(to_base64(bytes));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
  }
}

TEST(Base64, RefusesEveryOtherSpelling) {
  for (const std::string_view text :
       {"Z",      "Zg",    "Zg=",  "Zg===", "====",     "=",    "Zg==Zg==", "Zm8=Zm8=", "Z===",  "Zm9v\n",
        "Zm\n9v", " Zm9v", "Zm9 ", "-__-",  "Zm9v====", "Zg=a", "=g==",     "Zm9\xc3",  "Zm9v=", "Zm9"}) {
    const auto bytes = from_base64(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code(), Code::kInvalid);
  }
  EXPECT_FALSE(from_base64(std::string_view("Zm9\0", 4)).ok());
}

TEST(Base64, UnusedBitsThatArentZero) {
  for (const std::string_view text : {"Zh==", "Zm9=", "Zn==", "Zm+="}) EXPECT_FALSE(from_base64(text).ok()) << text;
}

}  // namespace
}  // namespace cloister
