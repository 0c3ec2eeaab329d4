#include "posture/collect/content/parquet.h"

#include <gtest/gtest.h>

#include "posture/collect/content/thrift.h"
#include "tests/support/content_estate.h"
#include "tests/support/expect.h"

namespace cloister::posture::content {
namespace {

using testing::expect_refused;
using testing::parquet_file;
using testing::ParquetKind;

ParquetOutline outline_of(ParquetKind kind) {
  const Bytes file = parquet_file(3, kind);
  return testing::value_of(read_parquet(sample_of(file)));
}

TEST(Parquet, PlainFooterWithoutKeys) {
  const ParquetOutline outline = outline_of(ParquetKind::kPlain);
  EXPECT_EQ(outline.columns, 2U);
  EXPECT_EQ(outline.encrypted_columns, 0U);
  EXPECT_TRUE(outline.algorithm.empty());
  EXPECT_FALSE(outline.is_protected());
}

TEST(Parquet, ColumnsThatAreLeftInTheClearAreCounted) {
  const ParquetOutline outline = outline_of(ParquetKind::kSomeColumns);
  EXPECT_EQ(outline.columns, 2U);
  EXPECT_EQ(outline.encrypted_columns, 1U);
  EXPECT_EQ(outline.algorithm, "AES_GCM_V1");
  EXPECT_EQ(outline.keys, (std::vector<std::string>{"column-key", "footer-key"}));
  EXPECT_FALSE(outline.is_protected());
}

TEST(Parquet, AnEncryptedFooterNamesItsKey) {
  const ParquetOutline outline = outline_of(ParquetKind::kEncrypted);
  EXPECT_EQ(outline.keys, std::vector<std::string>{"warehouse"});
  EXPECT_TRUE(outline.is_protected());
}

TEST(Parquet, WhatIsRefused) {
  const Bytes good = parquet_file(3, ParquetKind::kPlain);
  expect_refused(read_parquet(sample_of(ByteView(good).subspan(1))), Code::kInvalid, "not a Parquet");
  expect_refused(read_parquet(sample_of(ByteView(good).first(11))), Code::kCorrupt, "before its footer");
  expect_refused(read_parquet(sample_of(ByteView(good).first(good.size() - 1))), Code::kCorrupt, "no footer");
  Bytes large = good;
  store_le(large.data() + large.size() - 8, kParquetFooterMax + 1);
  expect_refused(read_parquet(sample_of(large)), Code::kCorrupt, "out of bounds");
  const Bytes encrypted = parquet_file(3, ParquetKind::kEncrypted);
  Bytes nameless = encrypted;
  nameless[4 + 9000] = 0;  // the footer's struct ends at once
  expect_refused(read_parquet(sample_of(nameless)), Code::kCorrupt, "no algorithm");
}

TEST(Parquet, EveryCutFooterIsRefusedOrSaysLess) {
  const Bytes file = parquet_file(3, ParquetKind::kSomeColumns);
  const auto size = load_le<std::uint32_t>(file.data() + file.size() - 8);
  const ByteView footer = ByteView(file).subspan(file.size() - 8 - size, size);
  for (std::size_t cut = 0; cut < footer.size(); ++cut) {
    EXPECT_FALSE(parse_parquet_footer(footer.first(cut), ParquetFooter::kPlain).ok()) << cut;
  }
}

TEST(Thrift, DeepNestingEnds) {
  const Bytes deep(10'000, 0x1C);  // a struct in a struct, without end
  ThriftReader reader(deep);
  expect_refused(reader.skip(ThriftType::kStruct), Code::kCorrupt, "deep");
}

TEST(Thrift, AListLargerThanItsBytesIsRefused) {
  const Bytes bytes = {0xF3, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2};
  ThriftReader reader(bytes);
  expect_refused(reader.list(), Code::kCorrupt, "ends within");
}

}  // namespace
}  // namespace cloister::posture::content
