// One relayed connection: a plain socket on one side, a TLS session on the other, and what may move between them.
#pragma once

#include "mesh/relay/loop.h"
#include "net/tls_session.h"

namespace cloister::mesh {

// Lives on one Loop, and belongs to it. Idle, it has no buffers.
class Link {
 public:
  // `accepted`: the TLS side of an inbound service, the plain side of an outbound one.
  Link(Loop& loop, std::shared_ptr<const Service> service, net::Socket accepted, std::string remote);
  ~Link();

  // What it was admitted by, before begin().
  struct Places {
    Quota::Place connection, handshake;
    NamedQuota::Place address;
  };
  void begin(Places places);
  // What epoll says of one side.
  void ready(Loop::Side side, std::uint32_t events);
  void advance();
  void expire();
  net::Ticks deadline() const;
  void end(RelayEnd why);
  // Before it is relayed.
  void refuse(RelayRefusal why, std::string detail);
  // A new configuration has this in place of its service: it ends where its peer isn't in it any more.
  void change_service(const std::shared_ptr<const Service>& next);

  const Service& service() const { return *service_; }
  std::size_t place = 0;  // in the loop's list
  bool queued = false;    // in the loop's queue of those to be called again

 private:
  enum class Phase : std::uint8_t { kHello, kConnecting, kHandshake, kRelaying, kOver };
  struct Flow {
    net::Socket socket;
    bool readable = false, writable = false;
    bool hung_up = false;  // the other end has sent its last byte: read on until it is seen
  };

  bool inbound() const { return service_->settings.direction == ListenerSettings::Direction::kInbound; }
  // Each says whether the next phase can begin at once.
  bool hello();
  bool start_tls();
  bool connecting();
  bool shake();
  void connect_next();
  bool find_targets();
  void shaken();
  void begin_relaying();

  void pump();
  bool pump_up();    // plain to TLS
  bool pump_down();  // TLS to plain
  bool fill_from_tls(std::size_t& filled);
  bool send_plain(ByteView bytes);
  void finish_up();
  void finish_down();
  void broken();

  void finish();
  void write_receipt(bool orderly);

  Loop& loop_;
  std::shared_ptr<const Service> service_, replacement_;
  Flow tls_, plain_;
  std::unique_ptr<net::TlsSession> session_;
  Phase phase_ = Phase::kHello;
  bool up_done_ = false, down_done_ = false;  // nothing more will move that way
  bool up_eof_ = false, down_eof_ = false;    // the end was read, and is still to be passed on
  bool said_goodbye_ = false;
  std::string remote_;
  Places places_;
  NamedQuota::Place peer_place_;
  std::shared_ptr<const Targets::List> targets_;
  std::size_t next_target_ = 0;
  Bytes pending_;  // what the plain side didn't take
  net::Ticks phase_until_ = 0, active_ = 0, life_until_ = 0;
  Time begun_{};
  std::uint64_t sent_ = 0, received_ = 0;
  // Only where receipts are written:
  std::shared_ptr<const identity::Snapshot> own_;  // that the handshake used
  net::ChannelBinding exporter_{};
  std::string local_address_, remote_address_;  // of the TLS side; the kernel forgets them before the end
  std::string last_failure_;
};

}  // namespace cloister::mesh
