// Connections to one endpoint: non-blocking sockets, and an account of how many and how fast.
#include "probe/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "net/socket.h"

namespace cloister::probe {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

std::int64_t now_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}
std::int64_t now_ms() { return now_us() / 1000; }

Error unavailable(int error_number, std::string_view doing) {
  return Error(Code::kUnavailable, error_from_errno(error_number, doing).message());
}

bool try_again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Wire::Wire(int socket, std::int64_t deadline_ms) : socket_(socket), end_ms_(deadline_ms), deadline_ms_(deadline_ms) {}

Wire::~Wire() { ::close(socket_); }

Status Wire::wait(short events) {
  for (;;) {
    const std::int64_t left = deadline_ms_ - now_ms();
    if (left <= 0) {
      timed_out_ = true;
      return Error(Code::kUnavailable, "no answer in time");
    }
    pollfd waiting{socket_, events, 0};
    const int count = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return unavailable(errno, "wait for the peer");
  }
}

Status Wire::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (try_again(errno)) {
      CLOISTER_RETURN_IF_ERROR(wait(POLLOUT));
    } else {
      return unavailable(errno, "write to the peer");
    }
  }
  return {};
}

Result<std::size_t> Wire::read(MutableByteView out) {
  for (;;) {
    // The time counts also while the peer sends without end.
    CLOISTER_RETURN_IF_ERROR(wait(POLLIN));
    const ssize_t count = ::recv(socket_, out.data(), out.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (!try_again(errno)) return unavailable(errno, "read from the peer");
  }
}

void Wire::set_patience(Duration patience) {
  deadline_ms_ = std::min(end_ms_, now_ms() + patience.ms);
  timed_out_ = false;
}

Dialer::Dialer(Endpoint endpoint, const Politeness& politeness)
    : endpoint_(std::move(endpoint)), politeness_(politeness), started_ms_(now_ms()) {}

std::uint32_t Dialer::connections_made() const {
  const std::scoped_lock lock(mutex_);
  return made_;
}

Result<std::int64_t> Dialer::take_turn() {
  const std::scoped_lock lock(mutex_);
  const std::int64_t now = now_us();
  const std::int64_t end = (started_ms_ + politeness_.total_time.ms) * 1000;
  if (made_ >= politeness_.connections) {
    return Error(Code::kDenied,
                 "all " + std::to_string(politeness_.connections) + " connections of this scan are used");
  }
  const std::int64_t turn = std::max(now, next_us_ - kSecondUs);
  if (turn >= end) return Error(Code::kDenied, "the time for this scan is over");
  next_us_ = std::max(now, next_us_) + kSecondUs / std::max<std::uint32_t>(politeness_.connections_per_second, 1);
  ++made_;
  return turn;
}

Result<std::unique_ptr<Wire>> Dialer::connect_to(const net::SocketAddress& address) {
  CLOISTER_TRY(const std::int64_t turn, take_turn());
  const std::int64_t early = turn - now_us();
  if (early > 0) std::this_thread::sleep_for(std::chrono::microseconds(early));

  const std::string doing = "connect to " + address.to_string();
  net::Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return error_from_errno(errno, doing);
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int result = ::connect(socket.descriptor(), address.get(), address.size);
  if (result != 0 && errno != EINPROGRESS) return unavailable(errno, doing);
  const std::int64_t end = std::min(now_ms() + politeness_.connection_time.ms, started_ms_ + politeness_.total_time.ms);
  auto wire = std::make_unique<Wire>(socket.release(), end);
  if (result == 0) return wire;
  CLOISTER_RETURN_IF_ERROR(wire->wait(POLLOUT).with_context(doing));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(wire->socket(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return unavailable(error, doing);
  return wire;
}

Result<std::unique_ptr<Wire>> Dialer::connect() { return connect_to(endpoint_.resolved); }

Result<std::unique_ptr<Wire>> Dialer::connect_to_port(std::uint16_t port) {
  if (port == 0) return Error(Code::kInvalid, "port 0 is nobody's");
  net::SocketAddress address = endpoint_.resolved;
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
  }
  return connect_to(address);
}

}  // namespace cloister::probe
