// What a relay tells of its connections, in plain words and numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace cloister::mesh {

// Why a connection was never relayed.
enum class RelayRefusal : std::uint8_t {
  kPlaintext,    // what came first was no TLS
  kIdentity,     // TLS, by somebody who isn't proven or isn't allowed
  kTls,          // TLS that isn't spoken as here: older versions, no certificate, broken records
  kByPeer,       // the peer refused us
  kTarget,       // the workload or the peer can't be reached
  kDestination,  // intercepted on the way to somewhere that isn't configured
  kUser,         // a user of this machine who may not use this socket
  kTime,         // too slow until it stood
  kConnections,  // a limit: all connections, one address, one peer, handshakes at once
  kAddress,
  kPeer,
  kHandshakes,
};
inline constexpr std::size_t kRelayRefusals = 12;
std::string_view relay_refusal_name(RelayRefusal why);

// How a connection that was relayed ended.
enum class RelayEnd : std::uint8_t {
  kFinished,    // both sides said goodbye
  kReset,       // the near side broke off
  kBroken,      // the TLS side broke off, or was cut without a goodbye
  kIdle,        // nothing moved for too long
  kTime,        // the limit of a connection's life, or the end of its proof
  kDrained,     // the relay ended first
  kDisallowed,  // a new configuration doesn't have the peer any more
};
inline constexpr std::size_t kRelayEnds = 7;
std::string_view relay_end_name(RelayEnd why);

struct RefusedConnection {
  RelayRefusal why;
  std::string listener;
  std::string remote;  // "192.0.2.7:51820", "unix"
  std::string detail;
};

struct EndedConnection {
  RelayEnd why;
  std::string listener;
  std::string remote;
  std::string peer_id;
  std::string cipher, group;
  Duration lasted;
  std::uint64_t sent = 0, received = 0;  // through TLS
};

// Any thread; must not wait.
class RelayEvents {
 public:
  virtual ~RelayEvents() = default;
  virtual void refused(const RefusedConnection& connection) = 0;
  virtual void ended(const EndedConnection& connection) = 0;
};

}  // namespace cloister::mesh
