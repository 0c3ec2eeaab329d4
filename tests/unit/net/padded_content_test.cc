#include "net/padded_content.h"

#include <gtest/gtest.h>

#include <set>

#include "base/reader.h"
#include "net/varint.h"
#include "tests/support/expect.h"

namespace cloister::net {
namespace {

using testing::expect_refused;

// The record in a chunk, without the length before it.
ByteView record_of(const Buffer& chunk) {
  Reader reader(chunk);
  const auto size = testing::value_of(read_varint(reader, "size"));
  EXPECT_EQ(size, reader.remaining());
  return ByteView(chunk).subspan(reader.offset());
}

TEST(PaddedContent, EverySizeComesBackAndIsAMultiple) {
  for (const std::size_t size : {0, 1, 58, 59, 60, 61, 122, 123, 1000, 16'000, 16'377, 16'378}) {
    const std::string text(size, 'x');
    const Buffer chunk = padded_chunk(as_bytes(text), 64);
    EXPECT_EQ(chunk.size() % 64, 0U) << size;
    EXPECT_LT(chunk.size(), size + 4 + 2 + 64) << size;
    PaddedReader reader;
    Buffer out;
    EXPECT_TRUE(reader.put(record_of(chunk), out).ok());
    EXPECT_TRUE(reader.finish().ok());
    EXPECT_EQ(as_text(out), text);
  }
}

TEST(PaddedContent, ShortPiecesAreAllOfOneSize) {
  std::set<std::size_t> sizes;
  for (std::size_t size = 0; size < 60; ++size) sizes.insert(padded_chunk(Bytes(size, 'x'), 64).size());
  EXPECT_EQ(sizes, std::set<std::size_t>{64});
}

TEST(PaddedContent, CutAnywhereIntoPieces) {
  Buffer records;
  append(records, record_of(padded_chunk(as_bytes("hello "), 64)));
  append(records, record_of(padded_chunk(as_bytes("you"), 64)));
  for (std::size_t at = 0; at <= records.size(); ++at) {
    PaddedReader reader;
    Buffer out;
    EXPECT_TRUE(reader.put(ByteView(records).first(at), out).ok());
    EXPECT_TRUE(reader.put(ByteView(records).subspan(at), out).ok());
    EXPECT_EQ(as_text(out), "hello you");
  }
}

TEST(PaddedContent, PaddingThatIsNotZeros) {
  const Bytes record = {0, 1, 0, 2, 'x', 0, 1};
  PaddedReader reader;
  Buffer out;
  expect_refused(reader.put(record, out), Code::kInvalid, "zeros");
}

TEST(PaddedContent, EndsWithinARecord) {
  const Bytes record = {0, 1, 0, 2, 'x', 0, 0};
  for (std::size_t size = 1; size < record.size(); ++size) {
    PaddedReader reader;
    Buffer out;
    EXPECT_TRUE(reader.put(ByteView(record).first(size), out).ok());
    expect_refused(reader.finish(), Code::kInvalid, "within");
  }
}

}  // namespace
}  // namespace cloister::net
