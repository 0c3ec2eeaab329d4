// Listeners that speak other dialects than the API of our own: each with a server of its own, all of them judged and
// recorded by the one service.
#pragma once

#include <memory>
#include <vector>

#include "net/http_server.h"
#include "service/service.h"

namespace cloister::daemon {

// A certificate from outside, for clients that know servers by DNS names: PEM files.
Result<std::shared_ptr<const net::Credentials>> read_credentials(const std::string& certificate,
                                                                 const std::string& key_file);

// One thread at a time.
class Faces {
 public:
  // The service outlives it.
  Faces(net::ServerOptions options, service::Service& service) : options_(std::move(options)), service_(service) {}

  // A server that speaks `dialect`, to be given its addresses. It lives as long as this.
  Result<net::HttpServer*> add(std::shared_ptr<const service::Dialect> dialect);

  Status reload(const net::Limits& limits);
  // All at once. kUnavailable when some connection was cut.
  Status drain(Duration patience);

 private:
  struct Face {
    std::unique_ptr<net::HttpServer> server;
    std::shared_ptr<net::Handler> handler;
  };
  const net::ServerOptions options_;
  service::Service& service_;
  std::vector<Face> all_;
};

}  // namespace cloister::daemon
