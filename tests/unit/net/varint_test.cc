#include "net/varint.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister::net {
namespace {

using cloister::testing::unhex;

std::string written(std::uint64_t value) {
  Buffer out;
  append_varint(out, value);
  EXPECT_EQ(out.size(), varint_size(value));
  return to_hex(out);
}

Result<std::uint64_t> read(std::string_view hex) {
  const Bytes bytes = unhex(hex);
  Reader reader(bytes);
  return read_varint(reader, "number");
}

// The examples of RFC 9000 A.1.
TEST(Varint, ExamplesOfTheStandard) {
  EXPECT_EQ(read("c2197c5eff14e88c").value(), 151288809941952652ULL);
  EXPECT_EQ(written(151288809941952652ULL), "c2197c5eff14e88c");
  EXPECT_EQ(written(494878333), "9d7f3e7d");
  EXPECT_EQ(written(15293), "7bbd");
  EXPECT_EQ(written(37), "25");
  EXPECT_EQ(read("4025").value(), 37U) << "longer than it need be is allowed";
}

TEST(Varint, Edges) {
  for (const std::uint64_t value :
       std::initializer_list<std::uint64_t>{0, 63, 64, 16383, 16384, (1U << 30) - 1, 1U << 30, kVarintMax}) {
    EXPECT_EQ(read(written(value)).value(), value);
  }
  Buffer out;
  EXPECT_DEATH(append_varint(out, kVarintMax + 1), "internal check failed");
}

TEST(Varint, CutShort) {
  for (const char* hex : {"", "40", "800000", "c0000000000000"}) {
    EXPECT_EQ(read(hex).error().code(), Code::kCorrupt) << hex;
  }
}

}  // namespace
}  // namespace cloister::net
