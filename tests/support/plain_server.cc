#include "tests/support/plain_server.h"

#include <sys/socket.h>

#include "net/address.h"

namespace cloister::testing {

PlainServer::PlainServer(std::string answer) : answer_(std::move(answer)) {
  listener_ = net::Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::SocketAddress address = net::numeric_address({"127.0.0.1", 0}).value();
  CLOISTER_CHECK(::bind(listener_.descriptor(), address.get(), address.size) == 0);
  CLOISTER_CHECK(::listen(listener_.descriptor(), 8) == 0);
  CLOISTER_CHECK(::getsockname(listener_.descriptor(), address.get(), &address.size) == 0);
  port_ = address.port();
  thread_ = std::thread([this] {
    while (!stopping_) {
      const net::Socket client(::accept(listener_.descriptor(), nullptr, nullptr));
      if (!client) return;
      const timeval patience{2, 0};
      ::setsockopt(client.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      char room[4096];
      if (::recv(client.descriptor(), room, sizeof room, 0) <= 0) continue;
      ::send(client.descriptor(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      // What is still to come is taken, so that closing doesn't take the answer back.
      ::shutdown(client.descriptor(), SHUT_WR);
      while (::recv(client.descriptor(), room, sizeof room, 0) > 0) {
      }
    }
  });
}

PlainServer::~PlainServer() {
  stopping_ = true;
  ::shutdown(listener_.descriptor(), SHUT_RDWR);
  thread_.join();
}

}  // namespace cloister::testing
