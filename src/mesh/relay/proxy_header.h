// The header that tells a workload who its client is, ahead of the first byte: PROXY protocol version 2, as HAProxy's
// specification has it, with the peer's SPIFFE ID as a TLV.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "net/address.h"

namespace cloister::mesh {

// TLVs from 0xE0 on are an application's own; the TLS ones are the specification's.
inline constexpr std::uint8_t kProxySpiffeId = 0xE0;

struct ProxyFacts {
  net::SocketAddress source;  // of the client, and where it connected to: both IPv4, or both IPv6
  net::SocketAddress target;
  std::string_view spiffe_id;
  std::string_view protocol;  // what ALPN chose, or nothing
  std::string_view cipher;
};

// Addresses of different kinds become AF_UNSPEC, as the specification has it for what can't be said.
Bytes proxy_header(const ProxyFacts& facts);

}  // namespace cloister::mesh
