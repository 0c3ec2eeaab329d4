// Where to listen and whom to call: TCP addresses and Unix socket paths.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"

namespace cloister::net {

struct TcpAddress {
  std::string host;  // a name or an address, IPv6 without brackets
  std::uint16_t port = 0;
  std::string to_string() const;  // "[::1]:8443"
};

// "127.0.0.1:8443", "[::1]:8443", "keys.acme.example:8443". kInvalid for anything else.
Result<TcpAddress> parse_tcp_address(std::string_view text);

// An address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  std::string to_string() const;  // "192.0.2.7:51820", or "unix"
  std::string host() const;       // "192.0.2.7", or "unix"
  std::uint16_t port() const;
  // Loopback, link-local, or one of the fixed addresses at which clouds serve metadata to their machines: where plain
  // http doesn't leave this machine and its host.
  bool is_local() const;
  bool is_loopback() const;  // this machine and nothing else: 127.0.0.0/8, ::1
};

// kInvalid unless the host is a numeric address.
Result<SocketAddress> numeric_address(const TcpAddress& address);
// kInvalid when the path is longer than a socket's may be (107 bytes).
Result<SocketAddress> unix_address(const Path& path);
// Asks the system's resolver; waits no longer than `patience` (kUnavailable), though its own work may go on unseen.
Result<std::vector<SocketAddress>> resolve(const TcpAddress& address, Duration patience);

}  // namespace cloister::net
