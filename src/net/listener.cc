#include "net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

#include "net/unix_peer.h"

namespace cloister::net {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsAtOnce = 64;
constexpr auto kPause = std::chrono::milliseconds(100);

void set_option(int socket, int level, int name) {
  const int on = 1;
  ::setsockopt(socket, level, name, &on, sizeof on);
}

Socket new_socket(int family) { return Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

bool somebody_answers(const SocketAddress& address) {
  const Socket probe = new_socket(AF_UNIX);
  return probe && (::connect(probe.descriptor(), address.get(), address.size) == 0 || errno == EAGAIN);
}

}  // namespace

Result<Socket> listen_on_tcp(const TcpAddress& address, std::uint16_t& port) {
  CLOISTER_TRY(const SocketAddress wanted, numeric_address(address));
  Socket socket = new_socket(wanted.storage.ss_family);
  if (!socket) return error_from_errno(errno, "listen on " + address.to_string());
  set_option(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR);
  if (wanted.storage.ss_family == AF_INET6) set_option(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(socket.descriptor(), wanted.get(), wanted.size) != 0 || ::listen(socket.descriptor(), kBacklog) != 0) {
    return Error(Code::kUnavailable, error_from_errno(errno, "listen on " + address.to_string()).message());
  }
  SocketAddress bound;
  if (::getsockname(socket.descriptor(), bound.get(), &bound.size) != 0) {
    return error_from_errno(errno, "listen on " + address.to_string());
  }
  port = bound.port();
  return socket;
}

// Bound under a temporary name and then renamed: the socket is never there with the wrong mode, nor without a listener.
Result<Socket> listen_on_unix(const UnixListener& listener) {
  const std::string doing = "listen on " + listener.path.string();
  CLOISTER_TRY(const SocketAddress final_address, unix_address(listener.path));
  struct stat found{};
  if (::lstat(listener.path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return Error(Code::kExists, doing + ": something else is there");
    if (somebody_answers(final_address)) return Error(Code::kExists, doing + ": somebody else does already");
  }
  const Path temporary = listener.path.string() + "." + std::to_string(::getpid());
  CLOISTER_TRY(const SocketAddress address, unix_address(temporary));
  Socket socket = new_socket(AF_UNIX);
  if (!socket) return error_from_errno(errno, doing);
  ::unlink(temporary.c_str());
  if (::bind(socket.descriptor(), address.get(), address.size) != 0) return error_from_errno(errno, doing);
  if (::chmod(temporary.c_str(), listener.mode) != 0 || ::listen(socket.descriptor(), kBacklog) != 0 ||
      ::rename(temporary.c_str(), listener.path.c_str()) != 0) {
    const Error failure = error_from_errno(errno, doing);
    ::unlink(temporary.c_str());
    return failure;
  }
  return socket;
}

Listener::Listener(IoThread& home, std::vector<IoThread*> threads, Listening listening)
    : home_(home),
      threads_(std::move(threads)),
      socket_(home.io()),
      timer_(home.io()),
      tls_(std::move(listening.tls)),
      users_(std::move(listening.users)) {
  boost::system::error_code error;
  socket_.assign(listening.socket.release(), error);
  CLOISTER_CHECK(!error);
}

void Listener::begin() { wait(); }

void Listener::close() {
  if (std::exchange(closed_, true)) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void Listener::wait() {
  if (closed_) return;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error) self->accept_some();
                     });
}

// Without descriptors or memory, accepting again at once would only fail again.
void Listener::pause() {
  timer_.expires_after(kPause);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->wait();
  });
}

void Listener::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce && !closed_; ++i) {
    SocketAddress remote;
    Socket socket(::accept4(socket_.native_handle(), remote.get(), &remote.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause();
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      continue;  // that connection is gone already
    }
    admit(std::move(socket), remote);
  }
  wait();
}

void Listener::admit(Socket socket, const SocketAddress& remote) {
  Accepted accepted;
  accepted.settings = home_.server().settings();
  std::string key = remote.host();
  const auto refuse = [this, &accepted](Refusal why, std::string detail) {
    home_.counters().refuse(why);
    home_.server().report({why, accepted.remote, "", std::move(detail)});
  };
  accepted.remote = users_ ? "unix" : remote.to_string();
  if (users_) {
    auto peer = unix_peer_of(socket.descriptor());
    if (!peer.ok()) return refuse(Refusal::kUnixUser, peer.error().message());
    key = "user " + std::to_string(peer->uid);
    if (!users_->admits(peer->uid)) return refuse(Refusal::kUnixUser, key);
    accepted.unix_peer = std::move(peer).value();
  } else {
    set_option(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY);
    set_option(socket.descriptor(), SOL_SOCKET, SO_KEEPALIVE);
  }
  const auto handshake = users_ ? Admission::Handshake::kNone : Admission::Handshake::kAhead;
  const auto refusal =
      Admission::admit(home_.server(), accepted.settings->limits, std::move(key), handshake, accepted.admission);
  if (refusal) return refuse(*refusal, {});
  if (!users_) {
    auto tls = tls_(socket.descriptor());
    if (!tls.ok()) return refuse(Refusal::kTls, tls.error().message());
    accepted.tls = std::move(tls).value();
  }
  accepted.socket = std::move(socket);
  IoThread& thread = least_loaded();
  // A std::function wants to be copyable.
  auto shared = std::make_shared<Accepted>(std::move(accepted));
  const auto adopt = [&thread, shared] { thread.adopt(std::make_shared<Connection>(thread, std::move(*shared))); };
  if (&thread == &home_) return adopt();
  thread.mailbox()->post(adopt);  // too late, it is closed
}

IoThread& Listener::least_loaded() {
  next_ = (next_ + 1) % threads_.size();
  IoThread* best = threads_[next_];
  for (IoThread* thread : threads_) {
    if (thread->load() < best->load()) best = thread;
  }
  return *best;
}

}  // namespace cloister::net
