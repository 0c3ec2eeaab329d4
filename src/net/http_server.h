// An HTTP/1.1 and HTTP/2 server: over mutual TLS 1.3 on TCP, and on Unix sockets with the kernel's word for who calls.
// There is no plain TCP.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/counters.h"
#include "net/handler.h"
#include "net/http_limits.h"
#include "net/tls.h"

namespace cloister::net {

// Who on this machine may call. There is no default: everybody is a word that must be written.
class UnixUsers {
 public:
  static UnixUsers everybody() { return UnixUsers(true, {}); }
  static UnixUsers only(std::vector<uid_t> users) { return UnixUsers(false, std::move(users)); }
  bool admits(uid_t user) const;

 private:
  UnixUsers(bool all, std::vector<uid_t> users) : all_(all), users_(std::move(users)) {}
  bool all_;
  std::vector<uid_t> users_;
};

struct UnixListener {
  Path path;  // a stale socket there is replaced, a live one is not (kExists)
  UnixUsers users;
  mode_t mode = 0600;
};

// A connection or request turned away. For the log and the audit; `detail` may name the peer, never a secret.
struct RefusalEvent {
  Refusal why;
  std::string remote;
  std::string peer_id;  // empty when unknown
  std::string detail;   // empty when `why` says it all
};
// Called on I/O threads: it must not wait.
using RefusalObserver = std::function<void(const RefusalEvent& event)>;

struct ServerOptions {
  Limits limits;
  unsigned threads = 1;  // for input and output; 0: one for each processor
  Clock clock;
  RefusalObserver on_refusal;  // may be left empty: everything is counted anyway
};

// Runs from create() to drain() or destruction. Any thread may call anything, drain() once.
class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> create(ServerOptions options, std::shared_ptr<Handler> handler);
  // Cuts every connection.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Starts to listen and returns the port, which the system chose when the address says 0. The host is numeric.
  // kUnavailable when the address is taken.
  Result<std::uint16_t> listen(const TcpAddress& address, std::shared_ptr<const MutualTls> tls);
  Result<std::uint16_t> listen(const TcpAddress& address, std::shared_ptr<const ServerOnlyTls> tls);
  Status listen(const UnixListener& listener);

  // For connections from now on; those that stand keep what they have. Certificates change by their CredentialSource.
  Status reload(const Limits& limits, std::shared_ptr<Handler> handler);

  // Stops listening, lets every request that has begun finish, closes each connection then, and waits. What isn't done
  // within `patience` is cut: kUnavailable says how many those were.
  Status drain(Duration patience);

  Counters counters() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloister::net
