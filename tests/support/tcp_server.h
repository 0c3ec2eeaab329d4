// A server on loopback that does whatever a test wants with each connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "net/socket.h"

namespace cloister::testing {

// Serves each connection in a thread of its own until destroyed.
class TcpServer {
 public:
  using Serve = std::function<void(int socket)>;
  explicit TcpServer(Serve serve);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

 private:
  const Serve serve_;
  net::Socket listener_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// For servers: all of it, or false.
bool send_all(int socket, ByteView bytes);
// At least one byte, at most 16 KiB; empty when the peer is gone.
Bytes receive_some(int socket);
// One TLS record with its header; empty when the peer is gone.
Bytes receive_record(int socket);

}  // namespace cloister::testing
