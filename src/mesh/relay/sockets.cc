#include "mesh/relay/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <cerrno>

#ifndef SO_ORIGINAL_DST
#define SO_ORIGINAL_DST 80  // linux/netfilter_ipv4.h, which doesn't go together with netinet/in.h
#endif
#ifndef IP6T_SO_ORIGINAL_DST
#define IP6T_SO_ORIGINAL_DST 80
#endif

namespace cloister::mesh {
namespace {

constexpr int kBacklog = 4096;

bool set_option(int socket, int level, int name, int value = 1) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

net::Socket new_socket(int family) {
  return net::Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Result<net::Socket> listen_on_tcp(const net::SocketAddress& address, const ListenerSettings& settings) {
  const std::string doing = "listen on " + address.to_string();
  net::Socket socket = new_socket(address.storage.ss_family);
  if (!socket) return error_from_errno(errno, doing);
  const int descriptor = socket.descriptor();
  const bool six = address.storage.ss_family == AF_INET6;
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
  set_option(descriptor, SOL_SOCKET, SO_REUSEPORT);
  if (six) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
  if (settings.interception == Interception::kTproxy && !(six ? set_option(descriptor, IPPROTO_IPV6, IPV6_TRANSPARENT)
                                                              : set_option(descriptor, IPPROTO_IP, IP_TRANSPARENT))) {
    return Error(Code::kDenied,
                 doing + " for intercepted connections: " + error_from_errno(errno, "IP_TRANSPARENT").message());
  }
  if (::bind(descriptor, address.get(), address.size) != 0 || ::listen(descriptor, kBacklog) != 0) {
    return Error(Code::kUnavailable, error_from_errno(errno, doing).message());
  }
  return socket;
}

bool somebody_answers(const net::SocketAddress& address) {
  const net::Socket probe = new_socket(AF_UNIX);
  return probe && (::connect(probe.descriptor(), address.get(), address.size) == 0 || errno == EAGAIN);
}

// Bound under a temporary name and then renamed: the socket is never there without a listener. Everybody may connect;
// the relay asks the kernel who it is.
Result<net::Socket> listen_on_unix(const Path& path) {
  const std::string doing = "listen on " + path.string();
  CLOISTER_TRY(const net::SocketAddress final_address, net::unix_address(path));
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return Error(Code::kExists, doing + ": something else is there");
    if (somebody_answers(final_address)) return Error(Code::kExists, doing + ": somebody else does already");
  }
  const Path temporary = path.string() + "." + std::to_string(::getpid());
  CLOISTER_TRY(const net::SocketAddress address, net::unix_address(temporary));
  net::Socket socket = new_socket(AF_UNIX);
  if (!socket) return error_from_errno(errno, doing);
  ::unlink(temporary.c_str());
  if (::bind(socket.descriptor(), address.get(), address.size) != 0) return error_from_errno(errno, doing);
  if (::chmod(temporary.c_str(), 0666) != 0 || ::listen(socket.descriptor(), kBacklog) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error failure = error_from_errno(errno, doing);
    ::unlink(temporary.c_str());
    return failure;
  }
  return socket;
}

void set_port(net::SocketAddress& address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  }
}

Result<net::SocketAddress> own_address(int socket) {
  net::SocketAddress address;
  if (::getsockname(socket, address.get(), &address.size) != 0) return error_from_errno(errno, "ask for an address");
  return address;
}

}  // namespace

Result<std::vector<net::Socket>> listen_for_threads(const ListenerSettings& settings, unsigned threads) {
  std::vector<net::Socket> sockets;
  if (settings.listen.is_unix()) {
    CLOISTER_TRY(net::Socket first, listen_on_unix(settings.listen.path));
    sockets.push_back(std::move(first));
    while (sockets.size() < threads) {
      net::Socket copy(::fcntl(sockets.front().descriptor(), F_DUPFD_CLOEXEC, 0));
      if (!copy) return error_from_errno(errno, "listen on " + settings.listen.path.string());
      sockets.push_back(std::move(copy));
    }
    return sockets;
  }
  CLOISTER_TRY(net::SocketAddress address, net::numeric_address(settings.listen.tcp));
  while (sockets.size() < threads) {
    CLOISTER_TRY(net::Socket socket, listen_on_tcp(address, settings));
    sockets.push_back(std::move(socket));
    set_port(address, bound_port(sockets.front()));
  }
  return sockets;
}

std::uint16_t bound_port(const net::Socket& socket) {
  const auto address = own_address(socket.descriptor());
  return address.ok() ? address->port() : std::uint16_t{0};
}

Result<net::Socket> begin_connect(const net::SocketAddress& address, std::uint32_t mark) {
  const std::string doing = "connect to " + address.to_string();
  net::Socket socket = new_socket(address.storage.ss_family);
  if (!socket) return error_from_errno(errno, doing);
  if (mark != 0 && !set_option(socket.descriptor(), SOL_SOCKET, SO_MARK, static_cast<int>(mark))) {
    return error_from_errno(errno, doing + ": set its mark");
  }
  set_stream_options(socket.descriptor());
  if (::connect(socket.descriptor(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return Error(Code::kUnavailable, error_from_errno(errno, doing).message());
  }
  return socket;
}

Result<net::SocketAddress> original_destination(int socket, Interception interception) {
  CLOISTER_TRY(net::SocketAddress own, own_address(socket));
  if (interception == Interception::kTproxy) return own;
  net::SocketAddress original;
  const bool six = own.storage.ss_family == AF_INET6;
  const int failed = six ? ::getsockopt(socket, IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST, &original.storage, &original.size)
                         : ::getsockopt(socket, IPPROTO_IP, SO_ORIGINAL_DST, &original.storage, &original.size);
  if (failed != 0) return Error(Code::kInvalid, error_from_errno(errno, "ask where it meant to go").message());
  if (same_address(original, own)) return Error(Code::kInvalid, "it meant the relay itself");
  return original;
}

void set_stream_options(int socket) {
  // Neither means anything to a Unix socket, which says so and goes on.
  set_option(socket, IPPROTO_TCP, TCP_NODELAY);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE);
}

bool same_address(const net::SocketAddress& a, const net::SocketAddress& b) {
  return a.storage.ss_family == b.storage.ss_family && a.port() == b.port() && a.host() == b.host();
}

}  // namespace cloister::mesh
