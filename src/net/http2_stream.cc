#include "net/http2_stream.h"

namespace cloister::net {
namespace {

// Headers beyond the limit are only counted; beyond this multiple of it the connection is given up.
constexpr std::size_t kHeaderFlood = 8;

}  // namespace

bool Http2Stream::add_header(const Limits& limits, std::string_view name, std::string_view value) {
  header_bytes += name.size() + value.size() + 4;
  ++header_count;
  if (header_bytes > limits.header_bytes + limits.uri_bytes || header_count > limits.header_count + 4) {
    refused = 431;
    return header_bytes <= kHeaderFlood * limits.header_bytes;
  }
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    request.target = value;
  } else if (name == ":authority") {
    authority = value;
  } else if (!name.starts_with(':')) {
    request.headers.add(std::string(name), std::string(value));
  }
  return true;
}

std::optional<Http2Stream::HeadRefusal> Http2Stream::check_head(const Limits& limits) {
  if (refused != 0) return HeadRefusal{refused, Refusal::kHeader};
  if (request.target.size() > limits.uri_bytes) return HeadRefusal{414, Refusal::kUri};
  const std::string* host = request.headers.find("host");
  const bool two_hosts = host != nullptr && !authority.empty() && *host != authority;
  if (!is_origin_form(request.method, request.target) || two_hosts) return HeadRefusal{400, Refusal::kMalformed};
  if (host == nullptr) request.headers.add("host", std::move(authority));
  const std::string* length = request.headers.find("content-length");
  if (length != nullptr && parse_length(*length).value_or(UINT64_MAX) > limits.body_bytes) {
    return HeadRefusal{413, Refusal::kBody};
  }
  return std::nullopt;
}

}  // namespace cloister::net
