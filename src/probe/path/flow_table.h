// Puts packets together into connections, follows each as far as it has to be followed, and sums them up.
#pragma once

#include <array>
#include <map>
#include <optional>

#include "probe/path/capture.h"
#include "probe/path/classifier.h"
#include "probe/path/record_walk.h"
#include "probe/path/tls_facts.h"

namespace cloister::probe::path {

// Memory is bounded, whatever the packets are: when there are too many connections, or too much of them is kept, all
// are summed up as they are, and what they go on with is taken for connections that began before. One thread at a time.
class FlowTable {
 public:
  static constexpr std::size_t kConnectionsMax = 32768;
  static constexpr std::size_t kKeptMax = std::size_t{256} << 20;

  void add(Time time, const Packet& packet);
  // Sums up what is open, and hands over everything. The table is empty afterwards.
  void finish(Capture& capture);

 private:
  struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  };
  struct Key {
    Endpoint low, high;
    Carrier carrier;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  // One direction of a TCP connection, put into order.
  struct Direction {
    bool started = false, lost = false, ended = false;
    std::uint32_t next = 0;                  // the sequence number that comes next
    std::map<std::uint32_t, Bytes> waiting;  // what came too early
    std::size_t waiting_bytes = 0;
    Bytes head;  // until it is known what is spoken
    std::uint64_t bytes = 0;
    RecordWalk walk;
  };
  struct Connection {
    std::array<Direction, 2> directions;  // from low, from high
    std::optional<std::size_t> client;    // which of them is the client's, where a SYN said so
    std::optional<Spoken> spoken;
    Time begin, end;
    std::uint64_t datagrams_unknown = 0, datagrams = 0;  // UDP
    std::size_t held() const;
  };

  void add_tcp(Connection& connection, std::size_t from, const Packet& packet);
  void add_udp(Connection& connection, std::size_t from, const Key& key, const Packet& packet);
  void take(Connection& connection, std::size_t from, std::uint32_t sequence, ByteView bytes, std::size_t size);
  void take_waiting(Connection& connection, std::size_t from);
  void deliver(Connection& connection, std::size_t from, ByteView bytes);
  void classify(Connection& connection, Last last);
  static std::size_t guess_client(const Key& key, const Connection& connection);
  static bool was_refused(const Key& key, const Direction& client, const Direction& server);
  static FlowKind kind_of_connection(const Key& key, const Connection& connection, std::size_t from_client,
                                     const TlsFacts& facts);
  void end_before_reuse(const Key& key);
  void add_to_sums(const Flow& one);
  void sum_up(const Key& key, Connection& connection);
  void sum_up_all();

  std::map<Key, Connection> open_;
  std::map<FlowTraits, Flow> sums_;
  std::size_t kept_ = 0;
  std::uint64_t overflow_ = 0;
};

}  // namespace cloister::probe::path
