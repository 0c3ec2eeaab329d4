// Objects of several groups and of more than one key epoch.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

constexpr std::uint64_t kChunk = 16384;
constexpr std::uint64_t kGroup = 256 * kChunk;  // of a payload of unknown length

class GroupsTest : public ::testing::Test {
 protected:
  GroupsTest() { CLOISTER_CHECK(layout_.group_count() == 3); }

  SealedObject object_{SealedObject::Streamed::kYes, payload_of(2 * kGroup + 3 * kChunk + 100)};
  Layout layout_ = object_.layout();
};

// Each with its tags: all that binds them to their place is the chunks' numbers.
TEST_F(GroupsTest, WholeGroupsSwapped) {
  const auto at = [&](std::uint64_t group) {
    return object_.bytes.begin() + static_cast<std::ptrdiff_t>(layout_.chunk_offset(group * 256));
  };
  ASSERT_TRUE(object_.verify().ok());
  std::swap_ranges(at(0), at(1), at(1));
  const ObjectReader reader = SealedObject::value_of(object_.open());
  Bytes text(100);
  expect_refused(reader.read_at(0, text), Code::kCorrupt, "chunk 0 ");
  expect_refused(reader.read_at(kGroup, text), Code::kCorrupt, "chunk 256 ");
  expect_refused(reader.read_at(2 * kGroup - 50, text), Code::kCorrupt, "chunk 511 ");
  EXPECT_TRUE(reader.read_at(2 * kGroup, text).ok());
  Progress progress;
  const auto sink = [](std::uint64_t, ByteView) -> Status { return {}; };
  expect_refused(reader.read_all(2, sink, progress), Code::kCorrupt, "chunk");
  expect_refused(object_.verify(), Code::kCorrupt, "digest of all tags");
}

TEST_F(GroupsTest, GroupTwice) {
  const auto begin = object_.bytes.begin() + static_cast<std::ptrdiff_t>(layout_.chunk_offset(0));
  const auto stride = static_cast<std::ptrdiff_t>(layout_.chunk_offset(256) - layout_.chunk_offset(0));
  std::copy_n(begin, stride, begin + stride);
  const ObjectReader reader = SealedObject::value_of(object_.open());
  Bytes text(100);
  EXPECT_TRUE(reader.read_at(kGroup - 100, text).ok());
  expect_refused(reader.read_at(kGroup, text), Code::kCorrupt, "chunk 256 ");
}

TEST_F(GroupsTest, TruncatedAroundEveryBorder) {
  object_.store();
  std::set<std::uint64_t, std::greater<>> sizes;
  const std::uint64_t whole = object_.bytes.size();
  for (std::uint64_t group = 0; group < 3; ++group) {
    const std::uint64_t last = group * 256 + layout_.chunks_in_group(group) - 1;
    const std::uint64_t tags = layout_.tag_offset(group * 256);
    const std::uint64_t tags_end = layout_.tag_offset(last) + crypto::kTagSize;
    for (const std::uint64_t border : {layout_.group_data_end(group), tags, tags_end, align_to_page(tags_end)}) {
      for (std::uint64_t size = border - 80; size <= border + 80; ++size) sizes.insert(size);
    }
  }
  for (std::uint64_t page = 0; page <= whole; page += kPage) {
    for (const std::uint64_t size : {page, page + 1, page + kPage - 1}) sizes.insert(size);
  }
  const File file = SealedObject::value_of(File::open(object_.path(), File::Access::kReadWrite));
  for (const std::uint64_t size : sizes) {
    if (size >= whole) continue;
    ASSERT_TRUE(file.truncate(size).ok());
    const auto opened = ObjectReader::open(SealedObject::value_of(File::open(object_.path())), object_.keys());
    ASSERT_FALSE(opened.ok()) << size;
    ASSERT_EQ(opened.error().code(), Code::kCorrupt) << size << ": " << opened.error().message();
  }
}

// 65,536 chunks have one key, the next ones another. The payload is a hole in a file: zeros that take no room.
TEST(Epochs, RangeAcrossTheBorder) {
  testing::TempDir folder;
  testing::DeterministicRandom random(5);
  testing::LocalKey key(9, random);
  const std::array<crypto::KeyWrapper*, 1> keys{&key};
  constexpr std::uint64_t kBorder = kChunk << kEpochLog2;
  constexpr std::uint64_t kSize = kBorder + kChunk + 7;
  const File source = SealedObject::value_of(File::create_new(folder / "zeros"));
  ASSERT_TRUE(source.truncate(kSize).ok());
  ASSERT_TRUE(source.write_at(kBorder - 8, as_bytes("before, after")).ok());
  const File file = SealedObject::value_of(File::create_new(folder / "zeros.sealed"));
  Progress progress;
  SealOptions options = options_of();
  options.threads = 0;
  const SealedSummary sealed = SealedObject::value_of(seal_payload(source, file, options, keys, random, progress));
  EXPECT_EQ(sealed.plaintext_bytes, kSize);

  const auto open = [&] {
    return SealedObject::value_of(
        ObjectReader::open(SealedObject::value_of(File::open(folder / "zeros.sealed")), keys));
  };
  const ObjectReader reader = open();
  const Layout layout = SealedObject::value_of(Layout::create(reader.preamble(), reader.size()));
  ASSERT_EQ(layout.chunk_count(), (std::uint64_t{1} << kEpochLog2) + 2);
  Bytes text(13);
  ASSERT_TRUE(reader.read_at(kBorder - 8, text).ok());
  EXPECT_EQ(as_text(text), "before, after");
  Bytes across(3 * kChunk);
  ASSERT_TRUE(reader.read_at(kBorder - 2 * kChunk, across).ok());
  EXPECT_EQ(as_text(ByteView(across).subspan(2 * kChunk - 8, 13)), "before, after");
  EXPECT_TRUE(all_zero(ByteView(across).first(2 * kChunk - 8)));
  Bytes end(7);
  EXPECT_TRUE(reader.read_at(kSize - 7, end).ok());
  EXPECT_TRUE(all_zero(end));

  // The chunk at the same place of the other epoch, and the one that lies before.
  for (const std::uint64_t from : {std::uint64_t{0}, (std::uint64_t{1} << kEpochLog2) - 1}) {
    Bytes chunk(kChunk);
    Bytes tag(crypto::kTagSize);
    ASSERT_TRUE(file.read_at(layout.chunk_offset(from), chunk).ok());
    ASSERT_TRUE(file.read_at(layout.tag_offset(from), tag).ok());
    ASSERT_TRUE(file.write_at(layout.chunk_offset(std::uint64_t{1} << kEpochLog2), chunk).ok());
    ASSERT_TRUE(file.write_at(layout.tag_offset(std::uint64_t{1} << kEpochLog2), tag).ok());
    expect_refused(open().read_at(kBorder - 8, text), Code::kCorrupt, "chunk 65536 ");
    EXPECT_TRUE(open().read_at(kBorder - 8, MutableByteView(text).first(8)).ok());
  }
}

}  // namespace
}  // namespace cloister::seal
