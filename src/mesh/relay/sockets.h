// The sockets of a relay: listening, connecting, and where an intercepted client meant to go.
#pragma once

#include "mesh/relay/config.h"
#include "net/socket.h"

namespace cloister::mesh {

// One for each thread: a TCP address shared among them by SO_REUSEPORT, a Unix socket as copies of one. Where the
// port is 0 the system chooses, the same for all; bound_port() says which. kUnavailable when the address is taken,
// kDenied when a transparent listener lacks CAP_NET_ADMIN.
Result<std::vector<net::Socket>> listen_for_threads(const ListenerSettings& settings, unsigned threads);
std::uint16_t bound_port(const net::Socket& socket);

// Begins to connect; the socket is writable when that is decided, and SO_ERROR says how. `mark` is its SO_MARK, 0 for
// none.
Result<net::Socket> begin_connect(const net::SocketAddress& address, std::uint32_t mark);

// Where the client of an accepted socket meant to go before it was intercepted. kInvalid when it wasn't, and so meant
// the relay itself.
Result<net::SocketAddress> original_destination(int socket, Interception interception);

// Small writes at once, and a peer that vanished is noticed.
void set_stream_options(int socket);

// The bytes of an address alone compared, and the port.
bool same_address(const net::SocketAddress& a, const net::SocketAddress& b);

}  // namespace cloister::mesh
