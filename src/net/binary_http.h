// Requests and responses of HTTP as one string of bytes, without a connection around them: RFC 9292. What Oblivious
// HTTP carries.
#pragma once

#include "net/http_message.h"

namespace cloister::net {

struct BinaryHttpLimits {
  std::size_t line_bytes = 8 << 10;  // method, scheme, authority, path: each
  std::size_t header_bytes = 32 << 10;
  std::size_t header_count = 100;
  std::size_t content_bytes = 16 << 20;
};

struct BinaryRequest {
  std::string method;
  std::string scheme;
  std::string authority;  // may be empty
  std::string path;
  Headers headers;
  Buffer content;
  Headers trailers;
};

// Both forms are read, known-length and indeterminate; truncated messages are completed and padding is dropped, as the
// standard says; informational responses are read and dropped. kInvalid: malformed, beyond a limit, a field name that
// isn't a lower-case token, a field of the connection, a value with a control character.
Result<BinaryRequest> parse_binary_request(ByteView bytes, const BinaryHttpLimits& limits);
Result<Response> parse_binary_response(ByteView bytes, const BinaryHttpLimits& limits);

// Known-length form. What is written must be what the parsers take. `multiple`: zeros are put behind it until its size
// is a multiple of that.
Buffer encode_binary_request(const BinaryRequest& request, std::size_t multiple = 1);
Buffer encode_binary_response(const Response& response, std::size_t multiple = 1);

// A response in two parts that are one message when joined: everything up to the content, and the trailers, so that
// those can speak of what was sent before them.
Buffer encode_binary_response_head(const Response& response);
Buffer encode_binary_trailers(const Headers& trailers, std::size_t multiple = 1);

}  // namespace cloister::net
