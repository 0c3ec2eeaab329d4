// Hands text to whoever asks for /metrics, on loopback or a Unix socket: HTTP/1.1 as scrapers speak it, one request a
// connection, one connection at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "mesh/relay/config.h"
#include "net/socket.h"

namespace cloister::mesh {

inline constexpr std::size_t kMetricsRequestMax = 8192;

// The answer to a request's head, whole: 200 for GET and HEAD of /metrics, 404 for other paths, 405 for other methods,
// 400 for what is no request.
std::string metrics_answer(std::string_view head, const std::function<std::string()>& text);

class MetricsServer {
 public:
  // `text` is called from its thread. kUnavailable when the address is taken.
  static Result<std::unique_ptr<MetricsServer>> start(const RelayAddress& listen, std::function<std::string()> text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // In use; 0 for a Unix socket.
  std::uint16_t port() const;

 private:
  MetricsServer(net::Socket socket, std::function<std::string()> text)
      : socket_(std::move(socket)), text_(std::move(text)) {}
  void run();
  void answer(const net::Socket& client) const;

  const net::Socket socket_;
  net::Socket stop_;
  const std::function<std::string()> text_;
  std::thread thread_;
};

}  // namespace cloister::mesh
