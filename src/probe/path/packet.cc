#include "probe/path/packet.h"

#include <algorithm>

#include "probe/tls/bytes.h"

namespace cloister::probe::path {
namespace {

constexpr std::uint32_t kLinkNull = 0, kLinkEthernet = 1, kLinkRaw = 101, kLinkLoop = 108, kLinkSll = 113,
                        kLinkIpv4 = 228, kLinkIpv6 = 229, kLinkSll2 = 276;
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100, kServiceVlan = 0x88a8, kEthernetInside = 0x6558;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kIpInIp = 4, kIpv6InIp = 41, kEsp = 50;
constexpr std::uint16_t kVxlanPort = 4789, kGenevePort = 6081;
constexpr unsigned kTunnelsMax = 2;

using Found = std::optional<Packet>;

Found parse_ip(ByteView bytes, unsigned tunnels);
Found parse_ethernet(ByteView bytes, unsigned tunnels);

std::uint16_t be16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
std::uint32_t be32(ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(be16(bytes, at)) << 16 | be16(bytes, at + 2);
}
ByteView after(ByteView bytes, std::size_t size) { return size > bytes.size() ? ByteView() : bytes.subspan(size); }

Found parse_tcp(Packet packet, ByteView segment, std::size_t segment_size) {
  constexpr std::size_t kHeader = 20;
  if (segment.size() < kHeader) return std::nullopt;
  const std::size_t header = std::size_t{segment[12]} / 16 * 4;
  if (header < kHeader || header > segment.size()) return std::nullopt;
  packet.carrier = Carrier::kTcp;
  packet.source_port = be16(segment, 0);
  packet.target_port = be16(segment, 2);
  packet.sequence = be32(segment, 4);
  const std::uint8_t flags = segment[13];
  packet.flags = {(flags & 0x02) != 0, (flags & 0x10) != 0, (flags & 0x01) != 0, (flags & 0x04) != 0};
  packet.payload = segment.subspan(header);
  packet.payload_size = segment_size - header;
  return packet;
}

// What VXLAN (RFC 7348) and Geneve (RFC 8926) carry.
Found parse_overlay(const Packet& packet, unsigned tunnels) {
  if (tunnels == kTunnelsMax || packet.payload.size() < 8) return std::nullopt;
  if (packet.target_port == kVxlanPort && (packet.payload[0] & 0x08) != 0) {
    return parse_ethernet(packet.payload.subspan(8), tunnels + 1);
  }
  if (packet.target_port != kGenevePort || packet.payload[0] >> 6 != 0) return std::nullopt;
  const ByteView inner = after(packet.payload, 8 + std::size_t{packet.payload[0] & 0x3fU} * 4);
  const std::uint16_t type = be16(packet.payload, 2);
  if (type == kEthernetInside) return parse_ethernet(inner, tunnels + 1);
  return type == kIpv4 || type == kIpv6 ? parse_ip(inner, tunnels + 1) : std::nullopt;
}

Found parse_udp(Packet packet, ByteView datagram, std::size_t datagram_size, unsigned tunnels) {
  constexpr std::size_t kHeader = 8;
  if (datagram.size() < kHeader) return std::nullopt;
  packet.carrier = Carrier::kUdp;
  packet.source_port = be16(datagram, 0);
  packet.target_port = be16(datagram, 2);
  const std::size_t length = be16(datagram, 4);
  if (length != 0 && (length < kHeader || length > datagram_size)) return std::nullopt;
  const std::size_t size = length == 0 ? datagram_size : length;
  packet.payload = datagram.first(std::min(size, datagram.size())).subspan(kHeader);
  packet.payload_size = size - kHeader;
  if (auto inner = parse_overlay(packet, tunnels)) return inner;
  return packet;
}

Found parse_carried(std::uint8_t protocol, Packet packet, ByteView body, std::size_t body_size, unsigned tunnels) {
  switch (protocol) {
    case kTcp: return body_size < 20 ? std::nullopt : parse_tcp(packet, body, body_size);
    case kUdp: return body_size < 8 ? std::nullopt : parse_udp(packet, body, body_size, tunnels);
    case kIpInIp:
    case kIpv6InIp: return tunnels == kTunnelsMax ? std::nullopt : parse_ip(body, tunnels + 1);
    case kEsp:
      packet.carrier = Carrier::kEsp;
      packet.payload = body;
      packet.payload_size = body_size;
      return packet;
    default: return std::nullopt;
  }
}

Found parse_ipv4(ByteView bytes, unsigned tunnels) {
  if (bytes.size() < 20) return std::nullopt;
  const std::size_t header = std::size_t{bytes[0] & 0x0fU} * 4;
  // Segmentation offload leaves the total length at 0 where it is more than 65535.
  const std::size_t total = be16(bytes, 2) == 0 ? bytes.size() : be16(bytes, 2);
  const bool later_fragment = (be16(bytes, 6) & 0x1fff) != 0;
  if (header < 20 || header > bytes.size() || total < header || later_fragment) return std::nullopt;
  Packet packet;
  packet.source = IpAddress::v4(bytes.subspan<12, 4>());
  packet.target = IpAddress::v4(bytes.subspan<16, 4>());
  const ByteView body = bytes.first(std::min(total, bytes.size())).subspan(header);
  return parse_carried(bytes[9], packet, body, total - header, tunnels);
}

Found parse_ipv6(ByteView bytes, unsigned tunnels) {
  constexpr std::size_t kHeader = 40;
  constexpr unsigned kExtensionsMax = 8;
  if (bytes.size() < kHeader) return std::nullopt;
  Packet packet;
  packet.source = IpAddress::v6(bytes.subspan<8, 16>());
  packet.target = IpAddress::v6(bytes.subspan<24, 16>());
  std::size_t length = be16(bytes, 4);
  if (length == 0) length = bytes.size() - kHeader;
  ByteView body = bytes.subspan(kHeader).first(std::min(length, bytes.size() - kHeader));
  std::uint8_t next = bytes[6];
  for (unsigned i = 0; i < kExtensionsMax; ++i) {
    const bool fragment = next == 44;
    const bool options = next == 0 || next == 43 || next == 60;
    if (!fragment && !options) return parse_carried(next, packet, body, length, tunnels);
    if (body.size() < 8 || (fragment && (be16(body, 2) & 0xfff8) != 0)) return std::nullopt;
    const std::size_t size = fragment ? 8 : (std::size_t{body[1]} + 1) * 8;
    if (size > body.size()) return std::nullopt;
    next = body[0];
    body = body.subspan(size);
    length -= size;
  }
  return std::nullopt;
}

Found parse_ip(ByteView bytes, unsigned tunnels) {
  if (bytes.empty()) return std::nullopt;
  if (bytes[0] >> 4 == 4) return parse_ipv4(bytes, tunnels);
  return bytes[0] >> 4 == 6 ? parse_ipv6(bytes, tunnels) : std::nullopt;
}

Found parse_by_type(std::uint16_t type, ByteView bytes, unsigned tunnels) {
  constexpr unsigned kTagsMax = 2;
  for (unsigned i = 0; i < kTagsMax && (type == kVlan || type == kServiceVlan); ++i) {
    if (bytes.size() < 4) return std::nullopt;
    type = be16(bytes, 2);
    bytes = bytes.subspan(4);
  }
  return type == kIpv4 || type == kIpv6 ? parse_ip(bytes, tunnels) : std::nullopt;
}

Found parse_ethernet(ByteView bytes, unsigned tunnels) {
  if (bytes.size() < 14) return std::nullopt;
  return parse_by_type(be16(bytes, 12), bytes.subspan(14), tunnels);
}

}  // namespace

bool is_known_link(std::uint32_t link) {
  constexpr std::array<std::uint32_t, 10> kLinks = {kLinkNull, kLinkEthernet, 12,        14,        kLinkRaw,
                                                    kLinkLoop, kLinkSll,      kLinkIpv4, kLinkIpv6, kLinkSll2};
  return std::ranges::find(kLinks, link) != kLinks.end();
}

std::optional<Packet> parse_packet(std::uint32_t link, ByteView frame) {
  switch (link) {
    case kLinkEthernet: return parse_ethernet(frame, 0);
    case kLinkNull:
    case kLinkLoop: return parse_ip(after(frame, 4), 0);
    case kLinkSll: return frame.size() < 16 ? std::nullopt : parse_by_type(be16(frame, 14), frame.subspan(16), 0);
    case kLinkSll2: return frame.size() < 20 ? std::nullopt : parse_by_type(be16(frame, 0), frame.subspan(20), 0);
    default: return parse_ip(frame, 0);
  }
}

}  // namespace cloister::probe::path
