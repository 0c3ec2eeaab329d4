// One accepted socket: TLS or the kernel's word for the peer, a protocol session, and the time each step may take.
// Lives on one I/O thread.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include "net/io_thread.h"
#include "net/socket.h"
#include "net/tls_session.h"

namespace cloister::net {

// What the listener knows of a fresh socket.
struct Accepted {
  Socket socket;
  std::unique_ptr<Admission> admission;
  std::shared_ptr<const ServerSettings> settings;
  std::string remote;
  std::optional<UnixPeer> unix_peer;  // of a Unix socket
  std::unique_ptr<TlsSession> tls;    // of a TCP socket
};

class Connection final : public std::enable_shared_from_this<Connection>, private SessionHost {
 public:
  Connection(IoThread& thread, Accepted accepted);
  ~Connection() override = default;

  // Once, by its thread, which has put it into its list.
  void begin();
  Ticks deadline() const { return deadline_; }
  void expire();
  void drain();
  void cut() { close(); }

 private:
  enum class Phase { kHandshake, kFirstBytes, kOpen, kLingering, kClosed };
  using Outcome = TlsSession::Outcome;
  using Wait = boost::asio::posix::stream_descriptor::wait_type;
  class Later;

  // SessionHost.
  std::optional<Response> handle(RequestId id, Request& request) override;
  std::unique_ptr<StreamInput> take_stream(RequestId id, Request& head) override;
  void refused(Refusal why) override { refuse(why, {}); }
  std::string_view date() const override { return thread_.date(); }

  void run();
  void advance();
  void settle();
  void shake_hands();
  void open(Protocol protocol);
  void serve();
  bool serve_once();
  void take_input(ByteView bytes);
  TlsSession::Transfer receive();
  TlsSession::Transfer transmit(ByteView bytes);
  bool flush();
  void discard_input();
  void expire_open();
  void linger();
  void close();
  bool wants_to_read() const;
  void arm(Wait what, bool& armed);
  Ticks next_deadline() const;
  void refuse(Refusal why, std::string detail);
  void answer(RequestId id, Response response, Ticks began_us);
  void begin_body(RequestId id, Response head, std::shared_ptr<BodyFlow> flow, Ticks began_us);
  void close_body();
  void push(RequestId id, Push push);
  std::size_t unsent() const { return output_.size() - sent_; }
  const Limits& limits() const { return settings_->limits; }

  IoThread& thread_;
  const std::shared_ptr<const ServerSettings> settings_;
  std::unique_ptr<Admission> admission_;
  boost::asio::posix::stream_descriptor socket_;
  std::unique_ptr<TlsSession> tls_;
  std::shared_ptr<ConnectionInfo> info_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<std::atomic<std::uint32_t>> calls_;  // of gRPC that somebody still holds; null before the first
  std::shared_ptr<BodyFlow> flow_;                     // of the body that is being sent
  std::size_t flow_unsent_ = 0;
  Buffer first_bytes_;
  Buffer output_;  // borrowed from the thread while there is nothing in it
  std::size_t sent_ = 0;

  Phase phase_ = Phase::kHandshake;
  Ticks now_ = 0;
  Ticks deadline_ = kNever;
  Ticks phase_deadline_ = kNever;  // of everything but kOpen
  Ticks write_deadline_ = kNever;
  Ticks end_of_proof_ = kNever;  // when the peer's certificate runs out
  Ticks end_of_life_ = kNever;
  std::size_t discarded_ = 0;
  bool handshake_writes_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool input_drained_ = false;
  bool draining_ = false;
  bool more_ = false;
};

}  // namespace cloister::net
