#include "net/binary_response_stream.h"

#include <algorithm>

#include "base/reader.h"
#include "net/varint.h"

namespace cloister::net {
namespace {

constexpr std::uint64_t kOpenResponse = 3;
constexpr std::size_t kPaddingMax = 64 << 10;

Error malformed(std::string_view what) { return Error(Code::kInvalid, "binary http: " + std::string(what)); }

// Passes over one field section; false when there isn't enough of it yet.
bool pass_section(Reader& reader) {
  for (;;) {
    const auto name = read_varint(reader, "name");
    if (!name.ok()) return false;
    if (*name == 0) return true;
    if (*name > reader.remaining() || !reader.bytes(static_cast<std::size_t>(*name), "name").ok()) return false;
    const auto value = read_varint(reader, "value");
    if (!value.ok() || *value > reader.remaining()) return false;
    if (!reader.bytes(static_cast<std::size_t>(*value), "value").ok()) return false;
  }
}

void append_text(Buffer& out, std::string_view text) {
  append_varint(out, text.size());
  append(out, text);
}

void append_lines(Buffer& out, const Headers& headers) {
  for (const Header& header : headers.all()) {
    append_text(out, header.name);
    append_text(out, header.value);
  }
  append_varint(out, 0);
}

}  // namespace

Status BinaryResponseStream::put(ByteView bytes, Buffer& content) {
  append(waiting_, bytes);
  std::size_t used = 0;
  for (;;) {
    const ByteView rest = ByteView(waiting_).subspan(used);
    if (part_ == Part::kTrailers) {
      if (rest.size() > limits_.header_bytes + kPaddingMax) return malformed("too much follows the content");
      break;
    }
    CLOISTER_TRY(const std::size_t taken, part_ == Part::kHead ? take_head(rest) : take_content(rest, content));
    if (taken == 0) break;
    used += taken;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(used));
  return {};
}

Result<std::size_t> BinaryResponseStream::take_head(ByteView bytes) {
  // What surely isn't such a message is refused before there is more of it.
  if (!bytes.empty() && bytes.front() != kOpenResponse) return malformed("it isn't one of indeterminate length");
  Reader reader(bytes);
  ignore_result(read_varint(reader, "framing"));
  const auto status = read_varint(reader, "status");
  if (status.ok() && *status < 200) return malformed("an informational response, which isn't taken in a stream");
  if (!status.ok() || !pass_section(reader)) {
    if (bytes.size() > 2 * limits_.header_bytes) return malformed("too many fields");
    return std::size_t{0};
  }
  CLOISTER_TRY(response_, parse_binary_response(bytes.first(reader.offset()), limits_));
  part_ = Part::kContent;
  return reader.offset();
}

Result<std::size_t> BinaryResponseStream::take_content(ByteView bytes, Buffer& content) {
  if (chunk_left_ > 0) {
    const ByteView piece = bytes.first(std::min(chunk_left_, bytes.size()));
    append(content, piece);
    chunk_left_ -= piece.size();
    return piece.size();
  }
  Reader reader(bytes);
  const auto size = read_varint(reader, "content");
  if (!size.ok()) return std::size_t{0};
  if (*size > limits_.content_bytes - content_bytes_) return malformed("the content is too long");
  if (*size == 0) part_ = Part::kTrailers;
  chunk_left_ = static_cast<std::size_t>(*size);
  content_bytes_ += chunk_left_;
  return reader.offset();
}

Status BinaryResponseStream::finish() {
  if (part_ != Part::kTrailers) return malformed("it ends within its head or its content");
  // The same parser as for a whole message, and the same limits for head and trailers together.
  Buffer message = encode_binary_stream_head(response_);
  append_varint(message, 0);
  append(message, waiting_);
  CLOISTER_TRY(Response parsed, parse_binary_response(message, limits_));
  response_.trailers = std::move(parsed.trailers);
  return {};
}

Buffer encode_binary_stream_head(const Response& response) {
  Buffer out;
  append_varint(out, kOpenResponse);
  append_varint(out, response.status);
  append_lines(out, response.headers);
  return out;
}

Buffer encode_binary_stream_end(const Headers& trailers, std::size_t multiple) {
  CLOISTER_CHECK(multiple > 0);
  Buffer out;
  append_varint(out, 0);
  append_lines(out, trailers);
  out.resize((out.size() + multiple - 1) / multiple * multiple);
  return out;
}

}  // namespace cloister::net
