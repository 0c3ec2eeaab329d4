// One captured frame down to TCP, UDP or ESP, through the usual tunnels of overlay networks. Pure; hostile bytes.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "probe/path/network.h"

namespace cloister::probe::path {

enum class Carrier { kTcp, kUdp, kEsp };

struct TcpFlags {
  bool syn = false, ack = false, fin = false, rst = false;
};

// A view: the frame must outlive it.
struct Packet {
  Carrier carrier = Carrier::kTcp;
  IpAddress source, target;
  std::uint16_t source_port = 0, target_port = 0;  // 0 for ESP
  std::uint32_t sequence = 0;                      // TCP
  TcpFlags flags;
  ByteView payload;              // as much as was captured
  std::size_t payload_size = 0;  // as it was on the wire
};

// Kinds of link as pcap numbers them: Ethernet, raw IP, loopback, Linux cooked (both versions).
bool is_known_link(std::uint32_t link);

// Nothing for what is no such packet: another protocol, a later fragment, a frame that is cut short or malformed. A
// capture has all of these, and none of them is evidence.
std::optional<Packet> parse_packet(std::uint32_t link, ByteView frame);

}  // namespace cloister::probe::path
