// One stream of an HTTP/2 connection: what the session knows of it, and whether its head is taken. Used by
// http2_session.cc alone.
#pragma once

#include "net/session.h"

namespace cloister::net {

struct Http2Stream {
  enum class Phase { kHead, kBody, kHandling, kAnswering, kStreaming };

  // False when it has gone so far beyond the limits that the connection isn't worth keeping.
  bool add_header(const Limits& limits, std::string_view name, std::string_view value);

  struct HeadRefusal {
    unsigned status;
    Refusal why;
  };
  // Once all headers are there; completes the request.
  std::optional<HeadRefusal> check_head(const Limits& limits);

  Request request;
  std::string authority;
  std::size_t header_bytes = 0;
  std::size_t header_count = 0;
  std::size_t reserved = 0;
  unsigned refused = 0;  // a status, once it is clear that the request won't reach the handler
  Phase phase = Phase::kHead;
  Ticks deadline = kNever;
  bool input_done = false;
  Response response;
  std::size_t sent = 0;
  bool answered = false;  // the response is out, and the peer still sends its request
  std::size_t discarded = 0;

  std::unique_ptr<StreamInput> input;  // in kStreaming
  StreamOutput output;
  bool begun = false;  // its headers are out
};

}  // namespace cloister::net
