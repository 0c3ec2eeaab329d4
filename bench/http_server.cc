// What bench/run.sh compares with nginx: a server that answers every request with the same 400 bytes.
//   bench_http_server PORT CERT KEY mutual|server-only [release|keep] [threads]
// Mutual: the one client it knows shows the same certificate. Runs until SIGTERM.
#include <csignal>
#include <memory>
#include <string>

#include "bench.h"
#include "net/http_server.h"
#include "pinned_verifier.h"

using namespace cloister;

namespace {

class Constant final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request&, net::Deferral&) override { return response_; }

 private:
  const net::Response response_ = net::json_response(200, "{\"ciphertext\":\"" + std::string(383, 'b') + "\"}");
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) bench::fail("usage: bench_http_server PORT CERT KEY mutual|server-only [release|keep] [threads]");
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const auto credentials = bench::load_credentials(arguments[2], arguments[3]);
  const auto idle =
      count > 5 && std::string(arguments[5]) == "keep" ? net::IdleBuffers::kKept : net::IdleBuffers::kReleased;
  net::ServerOptions options;
  options.clock = system_time;
  options.threads = count > 6 ? static_cast<unsigned>(std::atoi(arguments[6])) : 1;
  options.limits.connections = options.limits.connections_per_address = options.limits.connections_per_peer = 20'000;
  options.limits.requests_per_connection = INT32_MAX;
  const auto server = bench::must(net::HttpServer::create(std::move(options), std::make_shared<Constant>()));
  const net::TcpAddress address{"127.0.0.1", static_cast<std::uint16_t>(std::atoi(arguments[1]))};
  if (std::string(arguments[4]) == "mutual") {
    const auto verifier = std::make_shared<bench::PinnedVerifier>(arguments[2]);
    bench::must(server->listen(address, bench::must(net::MutualTls::create(credentials, verifier, system_time, idle))));
  } else {
    bench::must(server->listen(address, bench::must(net::ServerOnlyTls::create(credentials, idle))));
  }
  int signal = 0;
  sigwait(&signals, &signal);
}
