// Everything a peer could have too much of, and for how long it may take. Safe as it is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/result.h"

namespace cloister::net {

struct Limits {
  // Connections.
  std::uint32_t connections = 10'000;
  std::uint32_t connections_per_address = 1'000;  // counted from the first packet on; Unix: per user
  std::uint32_t connections_per_peer = 256;       // counted once it has proven its identity
  std::uint32_t handshakes = 1'000;               // at once
  std::uint32_t requests_per_connection = 1'000'000;

  // A request.
  std::size_t uri_bytes = 8 << 10;
  std::size_t header_bytes = 32 << 10;  // names and values, with four bytes for each line
  std::size_t header_count = 100;
  std::size_t body_bytes = 4 << 20;
  std::uint64_t body_bytes_in_flight = std::uint64_t{256} << 20;  // of all connections, until they are answered

  // HTTP/2.
  std::uint32_t streams = 100;       // at once on a connection
  std::uint32_t resets_burst = 200;  // cancelled streams, as a bucket that refills
  std::uint32_t resets_per_second = 20;
  std::uint32_t control_burst = 2'000;  // frames that bring no request on: pings, settings, empty data
  std::uint32_t control_per_second = 200;
  std::uint32_t continuations = 8;  // to one header block

  // Answers not yet taken. Beyond it, nothing more is read from that connection.
  std::size_t output_bytes = 1 << 20;

  // Time.
  Duration handshake_time{10'000};
  Duration header_time{10'000};    // from a request's first byte to its last header
  Duration body_time{60'000};      // from there to its end
  Duration answer_time{60'000};    // until the handler has answered
  Duration write_time{30'000};     // without the peer taking a byte
  Duration idle_time{120'000};     // between requests
  Duration silence_time{300'000};  // while a stream is open: then the peer is asked, and has write_time to answer
  Duration connection_time{24 * 3'600'000};

  // kInvalid when a limit is zero or makes no sense.
  Status check() const;
};

// What a client takes from a server.
struct ResponseLimits {
  std::size_t header_bytes = 64 << 10;
  std::size_t header_count = 200;
  std::size_t body_bytes = 16 << 20;
  bool end_by_close = true;  // a body may end with its connection: then nobody knows whether it is whole
};

}  // namespace cloister::net
