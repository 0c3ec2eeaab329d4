// The kernel's answers about its TCP sockets, sock_diag(7). The bytes are the kernel's, and are bounded all the same.
#pragma once

#include "probe/path/sockets.h"

namespace cloister::probe::path {

// One datagram of an answer: adds its sockets, those that listen and those that are connected. True when it was the
// last. kCorrupt for one that isn't what the protocol says; kUnavailable when the kernel refuses to answer.
Result<bool> parse_socket_dump(ByteView datagram, std::vector<Socket>& sockets);

}  // namespace cloister::probe::path
