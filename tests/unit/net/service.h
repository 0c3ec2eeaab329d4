// A running server with certificates, and clients for it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/socket.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_identity.h"

namespace cloister::net {

// A handler made of a function.
class FunctionHandler final : public Handler {
 public:
  using Function = std::function<std::optional<Response>(Request&, Deferral&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  std::optional<Response> handle(Request& request, Deferral& later) override { return function_(request, later); }

 private:
  Function function_;
};

inline std::optional<Response> echo(Request& request, Deferral&) {
  Response response;
  response.headers.add("x-path", std::string(request.path()));
  response.body = std::move(request.body);
  return response;
}

// Waits until `condition` holds; generous, for machines that are busy.
inline bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

inline constexpr Duration kPatience{10'000};

class Service : public ::testing::Test {
 protected:
  void start(FunctionHandler::Function function = echo, unsigned threads = 1) {
    ServerOptions options;
    options.limits = limits_;
    options.threads = threads;
    options.clock = [] { return testing::kTestTime; };
    options.on_refusal = [this](const RefusalEvent& event) {
      const std::scoped_lock lock(mutex_);
      refusals_.push_back(event);
    };
    auto server = HttpServer::create(std::move(options), std::make_shared<FunctionHandler>(std::move(function)));
    ASSERT_TRUE(server.ok()) << server.error().message();
    server_ = std::move(server).value();
  }
  void listen_tls() {
    auto tls = MutualTls::create(credentials_, authority_.verifier(), [] { return testing::kTestTime; });
    const auto port = server_->listen({"127.0.0.1", 0}, std::move(tls).value());
    ASSERT_TRUE(port.ok()) << port.error().message();
    port_ = port.value();
  }
  void listen_unix(UnixUsers users = UnixUsers::only({::getuid()})) {
    const Status listening = server_->listen({socket_path(), std::move(users)});
    ASSERT_TRUE(listening.ok()) << listening.error().message();
  }
  Path socket_path() const { return folder_ / "socket"; }

  std::unique_ptr<HttpClient> tls_client(const testing::Issue& issue = {.id = "spiffe://acme.test/client"},
                                         const std::string& server_id = "spiffe://acme.test/server") {
    return client_with(testing::mutual_tls(authority_, authority_.issue(issue)), server_id);
  }
  std::unique_ptr<HttpClient> client_with(std::shared_ptr<const MutualTls> tls,
                                          const std::string& server_id = "spiffe://acme.test/server") {
    return HttpClient::create(TlsTarget{{"127.0.0.1", port_}, server_id, std::move(tls)}, {}).value();
  }
  std::unique_ptr<HttpClient> unix_client() {
    return HttpClient::create(UnixTarget{socket_path(), ::getuid()}, {}).value();
  }
  // A connected socket and nothing else.
  Socket raw_unix() const { return raw(unix_address(socket_path()).value()); }
  Socket raw_tcp() const { return raw(numeric_address({"127.0.0.1", port_}).value()); }

  std::uint64_t refused(Refusal why) const { return server_->counters().refused_for(why); }
  std::vector<RefusalEvent> refusals() {
    const std::scoped_lock lock(mutex_);
    return refusals_;
  }

  Limits limits_;
  const testing::TlsAuthority authority_;
  const std::shared_ptr<SwappableCredentials> credentials_ =
      std::make_shared<SwappableCredentials>(authority_.issue({.id = "spiffe://acme.test/server"}).credentials());
  const testing::TempDir folder_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<RefusalEvent> refusals_;
  std::unique_ptr<HttpServer> server_;

 private:
  static Socket raw(const SocketAddress& address) {
    Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.descriptor(), address.get(), address.size), 0);
    const timeval patience{10, 0};
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return socket;
  }
};

inline void send_text(const Socket& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Everything until the other end closes.
inline std::string read_all(const Socket& socket) {
  std::string all;
  char room[4096];
  for (;;) {
    const ssize_t count = ::recv(socket.descriptor(), room, sizeof room, 0);
    if (count <= 0) return all;
    all.append(room, static_cast<std::size_t>(count));
  }
}

inline Request get(std::string target) {
  Request request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}
inline Request post(std::string target, std::string_view body) {
  Request request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = to_buffer(body);
  return request;
}

}  // namespace cloister::net
