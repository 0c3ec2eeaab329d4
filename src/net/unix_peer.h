// What the kernel knows of the process at the other end of a Unix socket.
#pragma once

#include "net/peer.h"

namespace cloister::net {

// kUnavailable when the kernel doesn't say.
Result<UnixPeer> unix_peer_of(int socket);

}  // namespace cloister::net
