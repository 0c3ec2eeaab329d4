#include "net/binary_response_stream.h"

#include <gtest/gtest.h>

#include "net/varint.h"
#include "tests/support/expect.h"

namespace cloister::net {
namespace {

using testing::expect_refused;

Buffer message(std::size_t multiple = 1) {
  Buffer out = encode_binary_stream_head({200, {{"content-type", "text/plain"}}, {}, {}});
  for (const std::string_view piece : {"hello ", "you"}) {
    append_varint(out, piece.size());
    append(out, piece);
  }
  append(out, encode_binary_stream_end({{"x-done", "yes"}}, multiple));
  return out;
}

TEST(BinaryResponseStream, ReadsAsTheWholeMessageDoes) {
  for (const std::size_t multiple : {1, 64}) {
    const Buffer bytes = message(multiple);
    const Response whole = testing::value_of(parse_binary_response(bytes, {}));
    EXPECT_EQ(as_text(whole.body), "hello you");
    EXPECT_EQ(*whole.trailers.find("x-done"), "yes");
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      BinaryResponseStream stream({});
      Buffer content;
      ASSERT_TRUE(stream.put(ByteView(bytes).first(at), content).ok());
      ASSERT_TRUE(stream.put(ByteView(bytes).subspan(at), content).ok());
      ASSERT_TRUE(stream.finish().ok());
      EXPECT_EQ(as_text(content), "hello you");
      EXPECT_EQ(stream.response().status, 200U);
      EXPECT_EQ(*stream.response().headers.find("content-type"), "text/plain");
      EXPECT_EQ(*stream.response().trailers.find("x-done"), "yes");
    }
  }
}

TEST(BinaryResponseStream, ContentComesBeforeTheEnd) {
  const Buffer bytes = message();
  BinaryResponseStream stream({});
  Buffer content;
  std::size_t at = 0;
  while (!stream.has_head()) ASSERT_TRUE(stream.put(ByteView(bytes).subspan(at++, 1), content).ok());
  EXPECT_TRUE(content.empty());
  ASSERT_TRUE(stream.put(ByteView(bytes).subspan(at, 4), content).ok());
  EXPECT_EQ(as_text(content), std::string_view("hello").substr(0, 3));
}

TEST(BinaryResponseStream, EndsWithinHeadOrContent) {
  const Buffer bytes = message();
  const std::size_t end = bytes.size() - encode_binary_stream_end({{"x-done", "yes"}}).size();
  for (std::size_t size = 0; size <= end; ++size) {
    BinaryResponseStream stream({});
    Buffer content;
    ASSERT_TRUE(stream.put(ByteView(bytes).first(size), content).ok());
    expect_refused(stream.finish(), Code::kInvalid, "it ends within");
  }
}

TEST(BinaryResponseStream, OtherForms) {
  for (const std::uint8_t framing : {0, 1, 2, 4}) {
    BinaryResponseStream stream({});
    Buffer content;
    expect_refused(stream.put(Bytes{framing}, content), Code::kInvalid, "indeterminate");
  }
}

TEST(BinaryResponseStream, Malformed) {
  const auto refused = [](Buffer bytes, std::string_view word) {
    BinaryResponseStream stream({.header_bytes = 100, .header_count = 3, .content_bytes = 8});
    Buffer content;
    Status status = stream.put(bytes, content);
    if (status.ok()) status = stream.finish();
    expect_refused(status, Code::kInvalid, word);
  };
  const auto head = [](const Headers& headers) { return encode_binary_stream_head({200, headers, {}, {}}); };
  const auto with = [](Buffer bytes, ByteView more) {
    append(bytes, more);
    return bytes;
  };
  refused(head({{"UPPER", "x"}}), "lower-case");
  refused(head({{"connection", "close"}}), "connection");
  refused(head({{"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}}), "too many fields");
  refused(Buffer{3, 0x40, 99, 0, 0x40, 200, 0}, "informational");
  refused(Buffer{3, 0x42, 0x58, 0, 0}, "status");
  refused(with(Buffer{3, 0x40, 200}, Bytes(300, 5)), "too many fields");
  refused(with(head({}), Bytes{9}), "too long");
  refused(with(head({}), Bytes{4, 'a', 'b', 'c', 'd', 5}), "too long");
  refused(with(head({}), Bytes{0, 0, 0, 1}), "padding");
  refused(with(head({}), Bytes{0, 1, 'x', 1}), "cut short");
  refused(with(head({}), Bytes(70'000, 0)), "too much");
  refused(with(head({{"a", "b"}, {"a", "b"}}), Bytes{0, 1, 'x', 1, 'y', 1, 'x', 1, 'y', 0}), "too many fields");
}

}  // namespace
}  // namespace cloister::net
