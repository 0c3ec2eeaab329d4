// A server for tests with other people's clients: mutual TLS on a port of the system's choice, and a Unix socket.
//   net_server FOLDER     with ca.pem, cert.pem and key.pem in it; writes FOLDER/port once it listens
// SIGHUP reads the certificate again; SIGTERM drains and prints the counters.
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "crypto/library.h"
#include "net/http_server.h"
#include "tests/support/chain_verifier.h"

using namespace cloister;

namespace {

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "net_server: %s\n", error.message().c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) fail(result.error());
  return std::move(result).value();
}

std::string text(const Path& path) { return std::string(as_text(must(read_file(path, 1 << 20)))); }

std::shared_ptr<const net::Credentials> load(const Path& folder) {
  const auto key = crypto::Secret::copy_of(must(read_file(folder / "key.pem", 1 << 20)));
  return must(net::Credentials::from_pem(text(folder / "cert.pem"), key));
}

// Tells what the request looked like from here. "/slow" answers half a second later, from another thread; "/large"
// sends two mebibytes.
class Mirror final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override {
    if (request.path() == "/large") {
      net::Response response;
      response.body = net::Buffer(2 << 20, 'a');
      return response;
    }
    net::Response response = net::json_response(200, describe(request).dump());
    if (request.path() == "/trailers") response.trailers.add("grpc-status", "0");
    if (request.path() != "/slow") return response;
    std::thread([answer = std::make_shared<net::Answer>(later.take()), response = std::move(response)]() mutable {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      answer->send(std::move(response));
    }).detach();
    return std::nullopt;
  }

 private:
  static nlohmann::json describe(const net::Request& request) {
    const net::ConnectionInfo& connection = *request.connection;
    nlohmann::json json{{"method", request.method},
                        {"target", request.target},
                        {"body_bytes", request.body.size()},
                        {"protocol", connection.protocol == net::Protocol::kHttp2 ? "h2" : "http/1.1"},
                        {"group", connection.tls_group},
                        {"cipher", connection.tls_cipher}};
    if (connection.peer) json["peer"] = connection.peer->id;
    if (connection.channel_binding) json["channel_binding"] = to_hex(*connection.channel_binding);
    if (connection.unix_peer) {
      json["pid"] = connection.unix_peer->pid;
      json["uid"] = connection.unix_peer->uid;
    }
    return json;
  }
};

void print(const net::Counters& counters) {
  std::printf(
      "accepted %llu active %llu requests %llu\n", static_cast<unsigned long long>(counters.connections_accepted),
      static_cast<unsigned long long>(counters.connections_active), static_cast<unsigned long long>(counters.requests));
  for (std::size_t i = 0; i < net::kRefusals; ++i) {
    if (counters.refused[i] == 0) continue;
    std::printf("refused %s %llu\n", std::string(net::refusal_name(static_cast<net::Refusal>(i))).c_str(),
                static_cast<unsigned long long>(counters.refused[i]));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail(Error(Code::kInvalid, "usage: net_server FOLDER"));
  if (const Status started = crypto::start_process(); !started.ok()) fail(started.error());
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads

  const Path folder = arguments[1];
  const auto credentials = std::make_shared<net::SwappableCredentials>(load(folder));
  const auto verifier = testing::trust_authority(text(folder / "ca.pem"));
  const auto tls = must(net::MutualTls::create(credentials, verifier, system_time));
  net::ServerOptions options;
  options.threads = 2;
  options.clock = system_time;
  options.limits.handshake_time = Duration{2000};
  options.limits.header_time = Duration{2000};
  const auto server = must(net::HttpServer::create(std::move(options), std::make_shared<Mirror>()));
  const std::uint16_t port = must(server->listen({"127.0.0.1", 0}, tls));
  const Status local = server->listen(net::UnixListener{folder / "socket", net::UnixUsers::only({::getuid()})});
  if (!local.ok()) fail(local.error());
  const Status written = write_file(folder / "port", as_bytes(std::to_string(port)), Overwrite::kReplace);
  if (!written.ok()) fail(written.error());

  for (;;) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGTERM) break;
    credentials->replace(load(folder));
  }
  const Status drained = server->drain(Duration{5000});
  print(server->counters());
  return drained.ok() ? 0 : 1;
}
