#include "tests/support/postgres_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string_view>

namespace cloister::testing {
namespace {

constexpr int kPollMs = 20;

sockaddr_un address_in(const Path& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder / ".s.PGSQL.5432").string();
  CLOISTER_CHECK(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  return address;
}

int connect_to(const Path& folder) {
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_in(folder);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return server;
  ::close(server);
  return -1;
}

bool is_readable(int descriptor, int wait_ms) {
  pollfd waiting{descriptor, POLLIN, 0};
  return ::poll(&waiting, 1, wait_ms) == 1;
}

void send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string read_some(int descriptor) {
  std::array<char, 65536> buffer;
  const ssize_t size = ::recv(descriptor, buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

bool is_commit_of_change(std::string_view message) {
  return message.find("INSERT INTO writers VALUES ('") != std::string_view::npos &&
         message.find("COMMIT") != std::string_view::npos;
}

}  // namespace

PostgresProxy::PostgresProxy(Path server) : server_(std::move(server)) {
  listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_in(directory_.path());
  CLOISTER_CHECK(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CLOISTER_CHECK(::listen(listening_, 16) == 0);
  accepting_ = std::jthread([this] { accept_clients(); });
}

PostgresProxy::~PostgresProxy() {
  ending_ = true;
  accepting_.join();
  connections_.clear();
  ::close(listening_);
}

void PostgresProxy::accept_clients() {
  while (!ending_) {
    if (!is_readable(listening_, kPollMs)) continue;
    const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = connect_to(server_);
    if (server < 0) {
      ::close(client);
      continue;
    }
    connections_.emplace_back([this, client, server] { serve(client, server); });
  }
}

void PostgresProxy::serve(int client, int server) {
  bool client_there = true;
  while (client_there && !ending_) {
    std::array<pollfd, 2> waiting = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), kPollMs) <= 0) continue;
    if (waiting[1].revents != 0) {
      const std::string answer = read_some(server);
      if (answer.empty()) break;
      send_all(client, answer);
    }
    if (waiting[0].revents == 0) continue;
    const std::string message = read_some(client);
    if (message.empty()) break;
    const Strike now = is_commit_of_change(message) ? strike_.exchange(Strike::kNone) : Strike::kNone;
    if (now == Strike::kBefore) break;
    if (now == Strike::kLate) {
      ::close(client);
      client_there = false;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    send_all(server, message);
    // Its answer says that the server is done, and goes nowhere.
    if (now == Strike::kAfter || now == Strike::kLate) is_readable(server, 5000);
    if (now == Strike::kAfter) break;
  }
  if (client_there) ::close(client);
  ::close(server);
}

}  // namespace cloister::testing
