// How much memory idle connections cost a server: opens many over mutual TLS, asks once on each, and looks.
//   bench_http_idle PORT CERT KEY COUNT SERVER_PID
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "net/socket.h"
#include "net/tls_session.h"
#include "pinned_verifier.h"

using namespace cloister;

namespace {

// From /proc: what the process holds in memory, in MiB.
double resident_mib(const std::string& process) {
  std::ifstream status("/proc/" + process + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  bench::fail("no process " + process);
}

struct Idle {
  net::Socket socket;
  std::unique_ptr<net::TlsSession> tls;
};

Idle connect_once(const net::MutualTls& tls, int port) {
  net::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    bench::fail("connecting failed");
  }
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A blocking socket: every call returns when it is done.
  auto session = bench::must(tls.connect(socket.descriptor(), "127.0.0.1", "bench"));
  if (session->handshake() != net::TlsSession::Outcome::kDone) bench::fail(session->failure().message());
  session->write(as_bytes("POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: 5\r\n\r\nhello"));
  Bytes room(4096);
  const auto answer = session->read(room);
  if (answer.outcome != net::TlsSession::Outcome::kDone || !as_text(room).starts_with("HTTP/1.1 200")) {
    bench::fail("a request wasn't answered");
  }
  return {std::move(socket), std::move(session)};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) bench::fail("usage: bench_http_idle PORT CERT KEY COUNT SERVER_PID");
  const int wanted = std::atoi(arguments[4]);
  const auto verifier = std::make_shared<bench::PinnedVerifier>(arguments[2]);
  const auto tls =
      bench::must(net::MutualTls::create(bench::load_credentials(arguments[2], arguments[3]), verifier, system_time));
  const double before = resident_mib(arguments[5]);
  std::vector<Idle> idle;
  const double start = monotonic_seconds();
  for (int i = 0; i < wanted; ++i) idle.push_back(connect_once(*tls, std::atoi(arguments[1])));
  const double seconds = monotonic_seconds() - start;
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const double after = resident_mib(arguments[5]);
  std::printf("%6.1f MiB, was %.1f; %.1f KiB a connection; %.0f new connections a second\n", after, before,
              (after - before) * 1024 / wanted, wanted / seconds);
}
