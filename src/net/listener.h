// Accepts connections and hands each to the I/O thread that has the fewest. Lives on one I/O thread.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/connection.h"

namespace cloister::net {

// Starts TLS on a fresh socket.
using TlsStarter = std::function<Result<std::unique_ptr<TlsSession>>(int socket)>;

// A bound and listening socket.
struct Listening {
  Socket socket;
  TlsStarter tls;                  // of a TCP socket
  std::optional<UnixUsers> users;  // of a Unix socket
};

// kUnavailable when the address is taken. `port` is set to the one in use.
Result<Socket> listen_on_tcp(const TcpAddress& address, std::uint16_t& port);
Result<Socket> listen_on_unix(const UnixListener& listener);

class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  // `home` is where it lives; `threads` get the connections.
  Listener(IoThread& home, std::vector<IoThread*> threads, Listening listening);

  // From its own thread.
  void begin();
  void close();

 private:
  void wait();
  void accept_some();
  void pause();
  void admit(Socket socket, const SocketAddress& remote);
  IoThread& least_loaded();

  IoThread& home_;
  const std::vector<IoThread*> threads_;
  std::size_t next_ = 0;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  const TlsStarter tls_;
  const std::optional<UnixUsers> users_;
  bool closed_ = false;
};

}  // namespace cloister::net
