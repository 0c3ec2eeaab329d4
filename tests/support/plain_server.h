// A TCP server that says one thing to everybody who said something, and hangs up.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "net/socket.h"

namespace cloister::testing {

// On 127.0.0.1 until destroyed; one connection at a time.
class PlainServer {
 public:
  explicit PlainServer(std::string answer);
  ~PlainServer();
  std::uint16_t port() const { return port_; }

 private:
  const std::string answer_;
  net::Socket listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace cloister::testing
