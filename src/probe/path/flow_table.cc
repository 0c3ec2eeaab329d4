#include "probe/path/flow_table.h"

#include <algorithm>

#include "probe/path/tls_facts.h"

namespace cloister::probe::path {
namespace {

constexpr std::size_t kWaitingMax = 64;
constexpr std::size_t kWaitingBytesMax = std::size_t{256} << 10;
constexpr std::uint64_t kRefusedBytesMax = 16384;
constexpr std::uint16_t kWellKnownMax = 1023;

// Sequence numbers go round.
std::int32_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

bool to_many(const IpAddress& address) {
  const auto& bytes = address.bytes();
  if (!address.is_v4()) return bytes[0] == 0xff;
  return bytes[12] >= 224;  // multicast, and broadcast at its end
}

}  // namespace

std::size_t FlowTable::Connection::held() const {
  std::size_t size = 0;
  for (const Direction& direction : directions) {
    size += direction.head.size() + direction.waiting_bytes + direction.walk.handshake().size();
  }
  return size;
}

void FlowTable::add(Time time, const Packet& packet) {
  if (to_many(packet.target)) return;
  const Endpoint source{packet.source, packet.source_port}, target{packet.target, packet.target_port};
  const bool from_low = source <= target;
  const Key key{from_low ? source : target, from_low ? target : source, packet.carrier};
  if (open_.size() >= kConnectionsMax && !open_.contains(key)) sum_up_all();
  if (packet.flags.syn && !packet.flags.ack) end_before_reuse(key);
  const auto [found, is_new] = open_.try_emplace(key);
  Connection& connection = found->second;
  if (is_new) connection.begin = connection.end = time;
  connection.begin = std::min(connection.begin, time);
  connection.end = std::max(connection.end, time);
  const std::size_t before = connection.held();
  if (packet.carrier == Carrier::kTcp) {
    add_tcp(connection, from_low ? 0 : 1, packet);
  } else {
    add_udp(connection, from_low ? 0 : 1, key, packet);
  }
  kept_ = kept_ + connection.held() - before;
  if (kept_ > kKeptMax) sum_up_all();
}

// The same two ports again, for another connection.
void FlowTable::end_before_reuse(const Key& key) {
  const auto found = open_.find(key);
  if (found == open_.end() || found->second.directions[0].bytes + found->second.directions[1].bytes == 0) return;
  kept_ -= found->second.held();
  sum_up(key, found->second);
  open_.erase(found);
}

void FlowTable::add_tcp(Connection& connection, std::size_t from, const Packet& packet) {
  Direction& direction = connection.directions[from];
  if (packet.flags.syn) {
    direction.started = true;
    direction.next = packet.sequence + 1;
    connection.client = packet.flags.ack ? 1 - from : from;
  }
  if (packet.payload_size > 0) {
    take(connection, from, packet.flags.syn ? packet.sequence + 1 : packet.sequence, packet.payload,
         packet.payload_size);
  }
  if (packet.flags.fin || packet.flags.rst) direction.ended = true;
}

void FlowTable::take(Connection& connection, std::size_t from, std::uint32_t sequence, ByteView bytes,
                     std::size_t size) {
  Direction& direction = connection.directions[from];
  if (!direction.started) {
    direction.started = true;
    direction.next = sequence;
  }
  const std::int32_t ahead = distance(direction.next, sequence);
  if (ahead < 0) {
    const auto again = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (again >= size) return;
    bytes = bytes.subspan(std::min(again, bytes.size()));
    size -= again;
  } else if (ahead > 0) {
    const bool whole = bytes.size() == size;
    const bool room = direction.waiting.size() < kWaitingMax && direction.waiting_bytes + size <= kWaitingBytesMax;
    if (whole && room) {
      const auto [slot, is_new] = direction.waiting.try_emplace(sequence, to_bytes(bytes));
      if (is_new) direction.waiting_bytes += slot->second.size();
      return;
    }
    direction.walk.lose();
    direction.lost = true;
    direction.waiting.clear();
    direction.waiting_bytes = 0;
  }
  direction.next =
      ahead > 0 ? sequence + static_cast<std::uint32_t>(size) : direction.next + static_cast<std::uint32_t>(size);
  direction.bytes += size - bytes.size();
  deliver(connection, from, bytes);
  if (bytes.size() < size) {
    direction.walk.lose();
    direction.lost = true;
  }
  take_waiting(connection, from);
}

void FlowTable::take_waiting(Connection& connection, std::size_t from) {
  Direction& direction = connection.directions[from];
  for (auto next = direction.waiting.begin(); next != direction.waiting.end();) {
    const std::int32_t ahead = distance(direction.next, next->first);
    if (ahead > 0) {
      ++next;
      continue;
    }
    const Bytes bytes = std::move(next->second);
    direction.waiting_bytes -= bytes.size();
    direction.waiting.erase(next);
    const auto again = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (again < bytes.size()) {
      direction.next += static_cast<std::uint32_t>(bytes.size() - again);
      deliver(connection, from, ByteView(bytes).subspan(again));
    }
    next = direction.waiting.begin();
  }
}

void FlowTable::deliver(Connection& connection, std::size_t from, ByteView bytes) {
  Direction& direction = connection.directions[from];
  direction.bytes += bytes.size();
  if (connection.spoken) {
    // An answer in the clear is followed, too: it may be an alert.
    const WireKind kind = connection.spoken->kind;
    if (kind == WireKind::kTls || kind == WireKind::kPlaintext) direction.walk.add(bytes);
    return;
  }
  direction.head.insert(direction.head.end(), bytes.begin(), bytes.end());
  classify(connection, Last::kNo);
}

void FlowTable::classify(Connection& connection, Last last) {
  const std::size_t client = connection.client.value_or(0);
  std::size_t from_client = client;
  auto& directions = connection.directions;
  connection.spoken = classify_stream(directions[client].head, directions[1 - client].head, last);
  if (!connection.client && (!connection.spoken || connection.spoken->kind == WireKind::kUnrecognised)) {
    // Nobody saw who began: it may be the other way round.
    auto other_way = classify_stream(directions[1].head, directions[0].head, last);
    if (other_way && other_way->kind != WireKind::kUnrecognised) {
      connection.spoken = std::move(other_way);
      from_client = 1;
    }
  }
  if (!connection.spoken) return;
  if (connection.spoken->kind == WireKind::kTls) {
    const auto feed = [](Direction& direction, std::size_t offset) {
      direction.walk.add(ByteView(direction.head).subspan(std::min(offset, direction.head.size())));
    };
    feed(directions[from_client], connection.spoken->client_offset);
    feed(directions[1 - from_client], connection.spoken->server_offset);
  }
  // An answer that is a TLS alert refuses what was sent in the clear.
  Direction& server = directions[1 - from_client];
  if (connection.spoken->kind == WireKind::kPlaintext) server.walk.add(server.head);
  for (Direction& direction : directions) {
    direction.head.clear();
    direction.head.shrink_to_fit();
  }
}

void FlowTable::add_udp(Connection& connection, std::size_t from, const Key& key, const Packet& packet) {
  if (!connection.client) {
    const bool backwards = packet.source_port <= kWellKnownMax && packet.target_port > kWellKnownMax;
    connection.client = backwards ? 1 - from : from;
  }
  connection.directions[from].bytes += packet.payload_size;
  ++connection.datagrams;
  if (packet.carrier == Carrier::kEsp) {
    connection.spoken = Spoken{WireKind::kEncrypted, "esp", 0, 0};
    return;
  }
  const std::uint16_t server_port = *connection.client == 0 ? key.high.port : key.low.port;
  Spoken spoken = classify_datagram(packet.payload, server_port);
  const bool goes_on = connection.spoken && connection.spoken->protocol == "quic" && !packet.payload.empty() &&
                       (packet.payload[0] & 0xc0) == 0x40;
  if (goes_on) return;
  if (spoken.kind == WireKind::kUnrecognised) ++connection.datagrams_unknown;
  const bool worse =
      !connection.spoken || connection.spoken->kind == WireKind::kUnrecognised || spoken.kind == WireKind::kPlaintext;
  if (worse) connection.spoken = std::move(spoken);
}

// Without a SYN: who sent a ClientHello, else the higher port.
std::size_t FlowTable::guess_client(const Key& key, const Connection& connection) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Bytes& handshake = connection.directions[i].walk.handshake();
    if (!handshake.empty()) return handshake[0] == 1 ? i : 1 - i;
  }
  return key.low.port > key.high.port ? 0 : 1;
}

// Tried in the clear, and answered by an alert of TLS or by nothing but an end.
bool FlowTable::was_refused(const Key& key, const Direction& client, const Direction& server) {
  const bool alerted = server.walk.alerted() && server.walk.records() == 1 && !server.walk.broken();
  const bool silent = server.bytes == 0 && server.ended;
  return key.carrier == Carrier::kTcp && client.bytes > 0 && client.bytes <= kRefusedBytesMax && (alerted || silent);
}

FlowKind FlowTable::kind_of_connection(const Key& key, const Connection& connection, std::size_t from_client,
                                       const TlsFacts& facts) {
  const Direction& client = connection.directions[from_client];
  const Direction& server = connection.directions[1 - from_client];
  switch (connection.spoken->kind) {
    case WireKind::kTls: return kind_of(facts, client.walk, server.walk);
    case WireKind::kEncrypted:
      return connection.datagrams_unknown == 0 ? FlowKind::kEncrypted : FlowKind::kUnrecognised;
    case WireKind::kPlaintext: return was_refused(key, client, server) ? FlowKind::kRefused : FlowKind::kPlaintext;
    case WireKind::kUnrecognised: break;
  }
  return FlowKind::kUnrecognised;
}

void FlowTable::sum_up(const Key& key, Connection& connection) {
  if (key.carrier == Carrier::kTcp && !connection.spoken) classify(connection, Last::kYes);
  const std::size_t from_client = connection.client ? *connection.client : guess_client(key, connection);
  const Direction& client = connection.directions[from_client];
  const Direction& server = connection.directions[1 - from_client];
  if (client.bytes + server.bytes == 0 || !connection.spoken) return;
  TlsFacts facts;
  if (connection.spoken->kind == WireKind::kTls) {
    facts = read_handshakes(client.walk.handshake(), server.walk.handshake());
  }
  FlowTraits traits;
  traits.client = from_client == 0 ? key.low.address : key.high.address;
  traits.server = from_client == 0 ? key.high.address : key.low.address;
  traits.server_port = from_client == 0 ? key.high.port : key.low.port;
  traits.carrier = key.carrier;
  traits.kind = kind_of_connection(key, connection, from_client, facts);
  traits.protocol = connection.spoken->protocol;
  traits.tls_version = facts.version;
  traits.suite = facts.suite;
  traits.group = facts.group;
  traits.server_name = std::move(facts.server_name);
  traits.alpn = std::move(facts.alpn);
  traits.client_proof = facts.client_proof;
  const Flow one{traits,
                 1,
                 client.bytes,
                 server.bytes,
                 connection.begin,
                 connection.end,
                 to_hex(facts.client_hello),
                 to_hex(facts.server_hello)};
  add_to_sums(one);
}

void FlowTable::add_to_sums(const Flow& one) {
  if (sums_.size() >= kFlowsMax && !sums_.contains(one.traits)) {
    ++overflow_;
    return;
  }
  const auto [found, is_new] = sums_.try_emplace(one.traits, one);
  if (is_new) return;
  Flow& flow = found->second;
  ++flow.connections;
  flow.client_bytes += one.client_bytes;
  flow.server_bytes += one.server_bytes;
  flow.begin = std::min(flow.begin, one.begin);
  flow.end = std::max(flow.end, one.end);
}

void FlowTable::sum_up_all() {
  for (auto& [key, connection] : open_) sum_up(key, connection);
  open_.clear();
  kept_ = 0;
}

void FlowTable::finish(Capture& capture) {
  sum_up_all();
  for (auto& [traits, flow] : sums_) capture.flows.push_back(std::move(flow));
  sums_.clear();
  capture.overflow = overflow_;
  overflow_ = 0;
}

}  // namespace cloister::probe::path
