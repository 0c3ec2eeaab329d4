#include "seal/layout.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

Layout layout_of(std::uint8_t chunk_log2, std::uint8_t group_log2, std::uint64_t plaintext_len) {
  Preamble preamble;
  preamble.chunk_log2 = chunk_log2;
  preamble.group_log2 = group_log2;
  preamble.meta_len = 100;
  return SealedObject::value_of(Layout::create(preamble, plaintext_len));
}

// The format page's worked examples.
TEST(Layout, EmptyPayload) {
  const Layout layout = layout_of(16, 0, 0);
  EXPECT_EQ(layout.chunk_count(), 1U);
  EXPECT_EQ(layout.chunk_length(0), 0U);
  EXPECT_EQ(layout.tag_offset(0), 16384U);
  EXPECT_EQ(layout.footer_offset(), 20480U);
  EXPECT_EQ(layout.file_size(), 24576U);
}

TEST(Layout, OneGroup) {
  const Layout layout = layout_of(16, 2, 150'000);
  EXPECT_EQ(layout.chunk_count(), 3U);
  EXPECT_EQ(layout.chunk_offset(0), 16384U);
  EXPECT_EQ(layout.chunk_offset(1), 81920U);
  EXPECT_EQ(layout.chunk_offset(2), 147456U);
  EXPECT_EQ(layout.chunk_length(2), 18928U);
  EXPECT_EQ(layout.tag_offset(0), 167936U);
  EXPECT_EQ(layout.tag_offset(2), 167968U);
  EXPECT_EQ(layout.footer_offset(), 172032U);
  EXPECT_EQ(layout.file_size(), 176128U);
}

TEST(Layout, TwoGroups) {
  const Layout layout = layout_of(16, 1, 150'000);
  EXPECT_EQ(layout.group_count(), 2U);
  EXPECT_EQ(layout.chunk_offset(2), 151552U);
  EXPECT_EQ(layout.tag_offset(0), 147456U);
  EXPECT_EQ(layout.tag_offset(1), 147472U);
  EXPECT_EQ(layout.tag_offset(2), 172032U);
  EXPECT_EQ(layout.footer_offset(), 176128U);
  EXPECT_EQ(layout.file_size(), 180224U);
}

TEST(Layout, RegionsFollowOneAnother) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 2000; ++i) {
    const auto chunk_log2 = static_cast<std::uint8_t>(14 + random() % 9);
    const auto group_log2 = static_cast<std::uint8_t>(random() % 5);
    const Layout layout = layout_of(chunk_log2, group_log2, random() % (std::uint64_t{40} << chunk_log2));
    std::uint64_t end = 16384;
    std::uint64_t bytes = 0;
    for (std::uint64_t group = 0; group < layout.group_count(); ++group) {
      const std::uint64_t first = group * layout.group_chunks();
      ASSERT_EQ(layout.chunk_offset(first), end);
      for (std::uint64_t chunk = first; chunk < first + layout.chunks_in_group(group); ++chunk) {
        ASSERT_EQ(layout.chunk_offset(chunk), end);
        end += layout.chunk_length(chunk);
        bytes += layout.chunk_length(chunk);
      }
      ASSERT_EQ(layout.group_data_end(group), end);
      end = align_to_page(end);
      ASSERT_EQ(layout.tag_offset(first), end);
      end = align_to_page(end + crypto::kTagSize * layout.chunks_in_group(group));
    }
    ASSERT_EQ(layout.footer_offset(), end);
    ASSERT_EQ(bytes, layout.plaintext_len());
  }
}

TEST(Layout, LargestSizesStayInBounds) {
  for (const std::uint8_t chunk_log2 : {14, 22}) {
    for (const std::uint8_t group_log2 : {0, 8, 32}) {
      const Layout layout = layout_of(chunk_log2, group_log2, kPayloadMax);
      EXPECT_EQ(layout.chunk_count(), kPayloadMax >> chunk_log2);
      EXPECT_GT(layout.file_size(), kPayloadMax);
      EXPECT_LT(layout.file_size(), 2 * kPayloadMax);
    }
  }
}

TEST(Layout, PayloadAboveTheBound) {
  expect_refused(Layout::create(Preamble{}, kPayloadMax + 1), Code::kCorrupt, "2^50");
  expect_refused(Layout::create(Preamble{}, kLengthUnknown), Code::kCorrupt, "2^50");
}

TEST(Layout, FileOfAnotherSize) {
  const Layout layout = layout_of(16, 2, 150'000);
  EXPECT_TRUE(layout.check_file_size(176128).ok());
  for (const std::uint64_t size : {0, 172032, 176127, 176129, 180224}) {
    expect_refused(layout.check_file_size(size), Code::kCorrupt, "should have 176128 bytes");
  }
}

}  // namespace
}  // namespace cloister::seal
