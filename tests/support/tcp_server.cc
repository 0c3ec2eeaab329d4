#include "tests/support/tcp_server.h"

#include <sys/socket.h>

#include <algorithm>

#include "net/address.h"

namespace cloister::testing {
namespace {

bool receive_exactly(int socket, MutableByteView out) {
  while (!out.empty()) {
    const ssize_t count = ::recv(socket, out.data(), out.size(), 0);
    if (count <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

TcpServer::TcpServer(Serve serve) : serve_(std::move(serve)) {
  listener_ = net::Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::SocketAddress address = net::numeric_address({"127.0.0.1", 0}).value();
  CLOISTER_CHECK(::bind(listener_.descriptor(), address.get(), address.size) == 0);
  CLOISTER_CHECK(::listen(listener_.descriptor(), 64) == 0);
  CLOISTER_CHECK(::getsockname(listener_.descriptor(), address.get(), &address.size) == 0);
  port_ = address.port();
  acceptor_ = std::thread([this] {
    while (!stopping_) {
      const int socket = ::accept(listener_.descriptor(), nullptr, nullptr);
      if (socket < 0) return;
      ++connections_;
      const std::scoped_lock lock(mutex_);
      open_.push_back(socket);
      threads_.emplace_back([this, socket] {
        serve_(socket);
        const std::scoped_lock closing(mutex_);
        std::erase(open_, socket);
        ::close(socket);
      });
    }
  });
}

TcpServer::~TcpServer() {
  stopping_ = true;
  ::shutdown(listener_.descriptor(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

bool send_all(int socket, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

Bytes receive_some(int socket) {
  Bytes room(16384);
  const ssize_t count = ::recv(socket, room.data(), room.size(), 0);
  room.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return room;
}

Bytes receive_record(int socket) {
  Bytes record(5);
  if (!receive_exactly(socket, record)) return {};
  const std::size_t size = static_cast<std::size_t>(record[3]) << 8 | record[4];
  record.resize(5 + size);
  if (!receive_exactly(socket, MutableByteView(record).subspan(5))) return {};
  return record;
}

}  // namespace cloister::testing
