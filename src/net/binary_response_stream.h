// A response of binary HTTP that is read while it comes: RFC 9292 3.2, the form of indeterminate length. Informational
// responses aren't taken.
#pragma once

#include "net/binary_http.h"

namespace cloister::net {

// One thread at a time. Any error is for good: kInvalid, as parse_binary_response() says, and an end within the
// content.
class BinaryResponseStream {
 public:
  explicit BinaryResponseStream(const BinaryHttpLimits& limits) : limits_(limits) {}

  // The next bytes. Appends content to `content`; limits.content_bytes is for all of it together.
  Status put(ByteView bytes, Buffer& content);
  // The message has ended. Only what follows the content may be cut, as the standard has it.
  Status finish();

  bool has_head() const { return part_ != Part::kHead; }
  // Status and headers when there is a head, trailers after finish(). Without the content.
  const Response& response() const { return response_; }

 private:
  enum class Part { kHead, kContent, kTrailers };
  // Each takes what it can from the front of `bytes`: how much that was. 0 when more are needed.
  Result<std::size_t> take_head(ByteView bytes);
  Result<std::size_t> take_content(ByteView bytes, Buffer& content);

  const BinaryHttpLimits limits_;
  Part part_ = Part::kHead;
  Response response_;
  Buffer waiting_;
  std::size_t chunk_left_ = 0;
  std::size_t content_bytes_ = 0;
};

// Such a message in its parts: up to the content, which follows in chunks, each behind its length; and what ends it.
Buffer encode_binary_stream_head(const Response& response);
Buffer encode_binary_stream_end(const Headers& trailers, std::size_t multiple = 1);

}  // namespace cloister::net
