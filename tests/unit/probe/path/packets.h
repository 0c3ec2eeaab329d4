// Packets and captures of them, made by hand.
#pragma once

#include "base/reader.h"
#include "tests/support/hex.h"

namespace cloister::probe::path {

inline void put16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(Bytes& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}
inline Bytes joined(Bytes a, ByteView b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

// An IPv4 packet from 10.0.0.`from` to 10.0.0.`to`.
inline Bytes ip_packet(std::uint8_t protocol, std::uint8_t from, std::uint8_t to, ByteView body) {
  Bytes packet = {0x45, 0};
  put16(packet, 20 + body.size());
  packet = joined(packet, testing::unhex("0000000040"));
  packet.push_back(protocol);
  packet = joined(packet, Bytes{0, 0, 10, 0, 0, from, 10, 0, 0, to});
  return joined(packet, body);
}

// Client 10.0.0.1:40000, server 10.0.0.2:8443.
enum class Way { kToServer, kToClient };
inline Bytes tcp_packet(Way way, std::uint32_t sequence, std::uint8_t flags, ByteView payload) {
  const bool to_server = way == Way::kToServer;
  Bytes segment;
  put16(segment, to_server ? 40000 : 8443);
  put16(segment, to_server ? 8443 : 40000);
  put32(segment, sequence);
  put32(segment, 0);
  segment.push_back(0x50);
  segment.push_back(flags);
  segment = joined(segment, Bytes(6, 0));
  return ip_packet(6, to_server ? 1 : 2, to_server ? 2 : 1, joined(segment, payload));
}

inline Bytes udp_packet(std::uint16_t port, ByteView payload) {
  Bytes datagram;
  put16(datagram, 40000);
  put16(datagram, port);
  put16(datagram, 8 + payload.size());
  put16(datagram, 0);
  return ip_packet(17, 1, 2, joined(datagram, payload));
}

inline Bytes record_of(std::uint8_t type, ByteView body) {
  Bytes record = {type, 3, 3};
  put16(record, body.size());
  return joined(record, body);
}

// A pcap of raw IP, a second a packet, from 2027-01-10T10:00:00Z on.
inline Bytes pcap_of(const std::vector<Bytes>& packets) {
  Writer file;
  file.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(101);
  std::uint32_t second = 1799575200;
  for (const Bytes& packet : packets) {
    const auto size = static_cast<std::uint32_t>(packet.size());
    file.u32(second++).u32(0).u32(size).u32(size).bytes(packet);
  }
  return file.take();
}

// A connection from its SYN on: what each side says, in turn.
class Talk {
 public:
  Talk() {
    packets_.push_back(tcp_packet(Way::kToServer, 99, kSyn, {}));
    packets_.push_back(tcp_packet(Way::kToClient, 199, kSyn | kAck, {}));
  }
  Talk& client(ByteView bytes) { return say(Way::kToServer, client_next_, bytes); }
  Talk& server(ByteView bytes) { return say(Way::kToClient, server_next_, bytes); }
  Talk& end(Way way) {
    packets_.push_back(tcp_packet(way, way == Way::kToServer ? client_next_ : server_next_, kFin | kAck, {}));
    return *this;
  }
  std::vector<Bytes>& packets() { return packets_; }

 private:
  Talk& say(Way way, std::uint32_t& next, ByteView bytes) {
    packets_.push_back(tcp_packet(way, next, kAck, bytes));
    next += static_cast<std::uint32_t>(bytes.size());
    return *this;
  }
  std::vector<Bytes> packets_;
  std::uint32_t client_next_ = 100, server_next_ = 200;
};

}  // namespace cloister::probe::path
