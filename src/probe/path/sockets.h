// The inventory of a machine's TCP sockets: who is connected to whom, by which program; and where the kernel does the
// encryption, that it does. docs/data-paths.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

inline constexpr std::string_view kSocketsFormat = "cloister-paths-sockets/1";
inline constexpr std::size_t kSocketsMax = 262'144;

// The kernel's own TLS, in both directions.
struct KernelTls {
  std::uint16_t version = 0;
  std::uint16_t cipher = 0;  // as linux/tls.h numbers them
};

struct Socket {
  bool listening = false;
  IpAddress local, remote;  // remote: unspecified for one that listens
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;  // 0: nobody holds it any more
  std::string executable;   // empty: not known
  std::optional<KernelTls> kernel_tls;
};

struct SocketInventory {
  std::string host;
  Time time;
  std::vector<Socket> sockets;
};

// Of this machine and this network namespace. Programs of other users are known to root alone. Waits for the kernel.
Result<SocketInventory> read_sockets(Time now);

std::string format_sockets(const SocketInventory& inventory);
// kInvalid for what format_sockets() wouldn't have written.
Result<SocketInventory> parse_sockets(std::string_view json);

// Connections, summed by who is connected to whom.
std::vector<Statement> statements_of(const SocketInventory& inventory);

}  // namespace cloister::probe::path
