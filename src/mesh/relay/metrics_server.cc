#include "mesh/relay/metrics_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/parallel.h"
#include "mesh/relay/sockets.h"
#include "net/ticks.h"

namespace cloister::mesh {
namespace {

constexpr net::Ticks kPatience = 2000;

std::string answer_of(std::string_view status, std::string_view body, bool with_body) {
  std::string text =
      "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  return with_body ? text.append(body) : text;
}

bool wait_for(int socket, short events, net::Ticks until) {
  pollfd one{socket, events, 0};
  const net::Ticks rest = until - net::ticks_now();
  return rest > 0 && ::poll(&one, 1, static_cast<int>(rest)) == 1;
}

}  // namespace

std::string metrics_answer(std::string_view head, const std::function<std::string()>& text) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || !line.substr(last + 1).starts_with("HTTP/1.")) {
    return answer_of("400 Bad Request", "", true);
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (method != "GET" && method != "HEAD") return answer_of("405 Method Not Allowed", "", true);
  if (target.substr(0, target.find('?')) != "/metrics") return answer_of("404 Not Found", "", method == "GET");
  return answer_of("200 OK", text(), method == "GET");
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const RelayAddress& listen,
                                                            std::function<std::string()> text) {
  ListenerSettings settings;
  settings.listen = listen;
  CLOISTER_TRY(auto sockets, listen_for_threads(settings, 1).with_context("metrics"));
  std::unique_ptr<MetricsServer> server(new MetricsServer(std::move(sockets.front()), std::move(text)));
  server->stop_ = net::Socket(::eventfd(0, EFD_CLOEXEC));
  if (!server->stop_) return error_from_errno(errno, "metrics");
  CLOISTER_TRY(server->thread_, start_thread([self = server.get()] { self->run(); }));
  return server;
}

MetricsServer::~MetricsServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.descriptor(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

std::uint16_t MetricsServer::port() const { return bound_port(socket_); }

void MetricsServer::run() {
  for (;;) {
    pollfd both[] = {{socket_.descriptor(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}};
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    const net::Socket client(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) answer(client);
  }
}

void MetricsServer::answer(const net::Socket& client) const {
  const net::Ticks until = net::ticks_now() + kPatience;
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    char some[1024];
    if (head.size() > kMetricsRequestMax || !wait_for(client.descriptor(), POLLIN, until)) return;
    const ssize_t count = ::recv(client.descriptor(), some, sizeof some, 0);
    if (count <= 0) return;
    head.append(some, static_cast<std::size_t>(count));
  }
  const std::string whole = metrics_answer(head, text_);
  std::string_view rest = whole;
  while (!rest.empty()) {
    const ssize_t count = ::send(client.descriptor(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 && (errno != EAGAIN || !wait_for(client.descriptor(), POLLOUT, until))) return;
  }
  ::shutdown(client.descriptor(), SHUT_WR);
}

}  // namespace cloister::mesh
