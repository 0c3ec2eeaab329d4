// Connections to one endpoint, and to nothing else: counted, paced and bounded, so that a scan can't become an attack.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/address.h"

namespace cloister::probe {

// What was named, resolved once: no probe ever goes anywhere else, whatever the endpoint says.
struct Endpoint {
  net::TcpAddress address;  // as it was named
  net::SocketAddress resolved;
  std::string server_name;  // sent as SNI; empty: none
};

struct Politeness {
  std::uint32_t connections = 2000;            // in all
  std::uint32_t connections_per_second = 100;  // on average, after a first burst of as many
  Duration connection_time{10'000};            // for one connection, whatever happens on it
  Duration total_time{300'000};
};

// One TCP connection with a deadline. One thread at a time.
class Wire {
 public:
  // Takes the socket over, which doesn't block; the deadline is of the monotonic clock.
  Wire(int socket, std::int64_t deadline_ms);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // kUnavailable: the peer closed, reset, or the time is over (`timed_out` then says so).
  Status write(ByteView bytes);
  // At least one byte; 0 when the peer closed in order. kUnavailable as write().
  Result<std::size_t> read(MutableByteView out);
  bool timed_out() const { return timed_out_; }
  // What follows takes no longer than this, counted from now; never longer than the connection may.
  void set_patience(Duration patience);
  // For a TLS library that wants the socket itself: non-blocking, still ours.
  int socket() const { return socket_; }
  std::int64_t deadline_ms() const { return deadline_ms_; }
  // Until the socket can be read or written (POLLIN, POLLOUT). kUnavailable when the time is over.
  Status wait(short events);

 private:
  int socket_;
  const std::int64_t end_ms_;  // of the connection
  std::int64_t deadline_ms_;
  bool timed_out_ = false;
};

// Any thread may call.
class Dialer {
 public:
  Dialer(Endpoint endpoint, const Politeness& politeness);

  // Waits as the pace demands. kUnavailable: nobody answers. kDenied: the budget of connections or time is spent, and
  // what was still to be asked is unknown.
  Result<std::unique_ptr<Wire>> connect();
  // Another port of the same host: for a plain-HTTP sibling that the caller named. The same budget. kInvalid for 0.
  Result<std::unique_ptr<Wire>> connect_to_port(std::uint16_t port);

  const Endpoint& endpoint() const { return endpoint_; }
  std::uint32_t connections_made() const;

 private:
  Result<std::unique_ptr<Wire>> connect_to(const net::SocketAddress& address);
  // When the next connection may be made.
  Result<std::int64_t> take_turn();

  const Endpoint endpoint_;
  const Politeness politeness_;
  const std::int64_t started_ms_;
  mutable std::mutex mutex_;
  std::int64_t next_us_ = 0;  // when the next one would be due at an even pace
  std::uint32_t made_ = 0;
};

}  // namespace cloister::probe
