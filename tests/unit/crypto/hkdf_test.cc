#include "crypto/hkdf.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

Secret ascending_key() {
  Secret key(32);
  std::iota(key.expose_mutable().begin(), key.expose_mutable().end(), std::uint8_t{0});
  return key;
}

// Computed with Python's cryptography 48.
TEST(Hkdf, KnownAnswers) {
  EXPECT_EQ(to_hex(hkdf_expand_sha512(ascending_key(), as_bytes("info"), 42).expose()),
            "d40d67a9d7c34ec3c2c3eca41e6f25e08441c93422575b091a5d9f9cb9bd6da3f7145c42fae0a63d0c73");
  EXPECT_EQ(to_hex(hkdf_expand_sha512(ascending_key(), {}, 108).expose()),
            "a5df768b23b9d396d5a65528c4b4cd896a50f068f1612236ee43350bd287a5be5e78abb05cb83f479e995d44c00a8d62e12c709a"
            "151d813c16e52b7e39c45adaff9d4cd90e8eac248e246220b908f04731a14f144a75492acc5c044a4934171f5da8979f48883bcf"
            "c92521f8");
}

TEST(Hkdf, ALongerOutputStartsWithTheShorter) {
  const Secret all = hkdf_expand_sha512(ascending_key(), as_bytes("x"), 255 * 64);
  const Secret some = hkdf_expand_sha512(ascending_key(), as_bytes("x"), 65);
  EXPECT_TRUE(equal_constant_time(all.expose().first(65), some.expose()));
}

TEST(Hkdf, AnotherKeyOrLabelGivesOtherBytes) {
  const Secret key = ascending_key();
  const Secret base = hkdf_expand_sha512(key, Info("label a").view(), 32);
  const Secret label = hkdf_expand_sha512(key, Info("label b").view(), 32);
  const Secret other = hkdf_expand_sha512(Secret(32), Info("label a").view(), 32);
  EXPECT_FALSE(equal_constant_time(base.expose(), label.expose()));
  EXPECT_FALSE(equal_constant_time(base.expose(), other.expose()));
}

TEST(HkdfDeathTest, StopsPast255Blocks) {
  EXPECT_DEATH(hkdf_expand_sha512(Secret(32), {}, 255 * 64 + 1), "internal check failed");
}

TEST(Info, FieldsCannotRunIntoEachOther) {
  EXPECT_EQ(to_hex(Info("ab").field(as_bytes("c")).field_u16(1).field_u64(2).view()),
            "02006162010063020001000800020000000000000"
            "0");
  EXPECT_NE(to_hex(Info("ab").field(as_bytes("c")).view()), to_hex(Info("a").field(as_bytes("bc")).view()));
  EXPECT_NE(to_hex(Info("a").view()), to_hex(Info("a").field({}).view()));
}

}  // namespace
}  // namespace cloister::crypto
