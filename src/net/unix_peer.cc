#include "net/unix_peer.h"

#include <sys/socket.h>

#include <cerrno>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5; younger than the C library's header
#endif

namespace cloister::net {

Result<UnixPeer> unix_peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials) {
    return Error(Code::kUnavailable, error_from_errno(errno, "ask the kernel for the peer").message());
  }
  UnixPeer peer{credentials.pid, credentials.uid, credentials.gid, nullptr};
  int pidfd = -1;
  size = sizeof pidfd;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0 && pidfd >= 0) {
    peer.pidfd = std::make_shared<const File>(File::from_descriptor(pidfd, "pidfd", File::Owned::kYes));
  }
  return peer;
}

}  // namespace cloister::net
