#include "net/client_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/ticks.h"
#include "net/unix_peer.h"

namespace cloister::net {
namespace {

using Outcome = TlsSession::Outcome;

Error too_late(std::string_view doing) { return Error(Code::kUnavailable, std::string(doing) + ": no answer in time"); }

Status wait_for(int socket, short events, Ticks deadline, std::string_view doing) {
  for (;;) {
    const Ticks left = deadline - ticks_now();
    if (left <= 0) return too_late(doing);
    pollfd waiting{socket, events, 0};
    const int count = ::poll(&waiting, 1, static_cast<int>(std::min<Ticks>(left, 60'000)));
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return error_from_errno(errno, doing);
  }
}

Result<Socket> connect_socket(const SocketAddress& address, const std::string& doing, Ticks deadline) {
  Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return error_from_errno(errno, doing);
  if (::connect(socket.descriptor(), address.get(), address.size) == 0) return socket;
  // A Unix socket whose queue is full says EAGAIN, and no event tells when it isn't.
  if (errno != EINPROGRESS) return Error(Code::kUnavailable, error_from_errno(errno, doing).message());
  CLOISTER_RETURN_IF_ERROR(wait_for(socket.descriptor(), POLLOUT, deadline, doing));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Error(Code::kUnavailable, error_from_errno(error, doing).message());
  return socket;
}

enum class Reach { kAnywhere, kLocal };

Result<Socket> connect_tcp(const TcpAddress& address, Reach reach, std::string& remote, Ticks deadline) {
  const std::string doing = "connect to " + address.to_string();
  CLOISTER_TRY(auto addresses, resolve(address, Duration{std::max<Ticks>(deadline - ticks_now(), 0)}));
  if (reach == Reach::kLocal) {
    std::erase_if(addresses, [](const SocketAddress& one) { return !one.is_local(); });
    if (addresses.empty()) {
      return Error(Code::kDenied, doing + ": plain http is for loopback and link-local addresses alone");
    }
  }
  std::optional<Error> failure;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // The first of several may swallow packets: it gets a fair share of the time, not all of it.
    const Ticks now = ticks_now();
    const Ticks share = now + (deadline - now) / static_cast<Ticks>(addresses.size() - i);
    auto socket = connect_socket(addresses[i], doing, share);
    if (!socket.ok()) {
      failure = socket.error();
      continue;
    }
    const int on = 1;
    ::setsockopt(socket->descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    remote = addresses[i].to_string();
    return socket;
  }
  return failure.value_or(Error(Code::kUnavailable, doing + ": it has no address"));
}

Result<Socket> connect_unix(const UnixTarget& target, ConnectionInfo& info, Ticks deadline) {
  const std::string doing = "connect to " + target.path.string();
  CLOISTER_TRY(const SocketAddress address, unix_address(target.path));
  CLOISTER_TRY(Socket socket, connect_socket(address, doing, deadline));
  CLOISTER_TRY(info.unix_peer, unix_peer_of(socket.descriptor()));
  if (info.unix_peer->uid != target.server_user) {
    return Error(Code::kDenied, doing + ": user " + std::to_string(info.unix_peer->uid) + " listens there, not user " +
                                    std::to_string(target.server_user));
  }
  info.remote = "unix";
  return socket;
}

}  // namespace

Result<std::unique_ptr<ClientConnection>> ClientConnection::connect(const HttpClient::Target& target, Ticks deadline,
                                                                    Speaks speaks) {
  std::unique_ptr<ClientConnection> connection(new ClientConnection());
  connection->began_ = ticks_now();
  if (const auto* local = std::get_if<UnixTarget>(&target)) {
    CLOISTER_TRY(connection->socket_, connect_unix(*local, *connection->info_, deadline));
    return connection;
  }
  if (const auto* plain = std::get_if<LocalTarget>(&target)) {
    CLOISTER_TRY(connection->socket_, connect_tcp(plain->address, Reach::kLocal, connection->info_->remote, deadline));
    return connection;
  }
  if (const auto* mutual = std::get_if<TlsTarget>(&target)) {
    CLOISTER_RETURN_IF_ERROR(connection->connect_mutual(*mutual, speaks, deadline));
  } else if (const auto* web = std::get_if<WebTarget>(&target)) {
    CLOISTER_RETURN_IF_ERROR(connection->connect_web(*web, speaks, deadline));
  } else {
    CLOISTER_RETURN_IF_ERROR(connection->connect_anonymous(std::get<AnonymousTlsTarget>(target), deadline));
  }
  return connection;
}

Result<std::unique_ptr<ClientConnection>> ClientConnection::connect_stream(const WebTarget& target, Ticks deadline) {
  std::unique_ptr<ClientConnection> connection(new ClientConnection());
  connection->began_ = ticks_now();
  CLOISTER_RETURN_IF_ERROR(connection->connect_web(target, Speaks::kOther, deadline));
  return connection;
}

Status ClientConnection::connect_mutual(const TlsTarget& target, Speaks speaks, Ticks deadline) {
  CLOISTER_TRY(socket_, connect_tcp(target.address, Reach::kAnywhere, info_->remote, deadline));
  CLOISTER_TRY(tls_, target.tls->connect(socket_.descriptor(), target.address.host, target.server_id, speaks));
  return prove(target.address, target.tls->now(), deadline);
}

Status ClientConnection::connect_anonymous(const AnonymousTlsTarget& target, Ticks deadline) {
  CLOISTER_TRY(socket_, connect_tcp(target.address, Reach::kAnywhere, info_->remote, deadline));
  CLOISTER_TRY(tls_, target.tls->connect(socket_.descriptor(), target.address.host, target.server_id));
  return prove(target.address, target.tls->now(), deadline);
}

Status ClientConnection::connect_web(const WebTarget& target, Speaks speaks, Ticks deadline) {
  CLOISTER_TRY(socket_, connect_tcp(target.address, Reach::kAnywhere, info_->remote, deadline));
  CLOISTER_TRY(tls_, target.tls->connect(socket_.descriptor(), target.address.host, speaks));
  return prove(target.address, target.tls->now(), deadline);
}

Status ClientConnection::prove(const TcpAddress& address, Time now, Ticks deadline) {
  CLOISTER_RETURN_IF_ERROR(shake_hands(deadline).with_context("connect to " + address.to_string()));
  const Duration left = tls_->peer()->not_after - now;
  end_of_proof_ = ticks_now() + left.ms;
  return {};
}

Status ClientConnection::shake_hands(Ticks deadline) {
  for (;;) {
    switch (tls_->handshake()) {
      case Outcome::kDone: {
        CLOISTER_TRY(info_->channel_binding, tls_->channel_binding());
        info_->peer = tls_->peer();
        info_->peer_key = tls_->peer_key();
        info_->own_key = tls_->own_key();
        info_->tls_group = tls_->group();
        info_->tls_cipher = tls_->cipher();
        return {};
      }
      case Outcome::kWantRead:
        CLOISTER_RETURN_IF_ERROR(wait_for(socket_.descriptor(), POLLIN, deadline, "TLS handshake"));
        break;
      case Outcome::kWantWrite:
        CLOISTER_RETURN_IF_ERROR(wait_for(socket_.descriptor(), POLLOUT, deadline, "TLS handshake"));
        break;
      default: return tls_->failure();
    }
  }
}

Status ClientConnection::write(ByteView bytes, Ticks deadline) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    short wanted = 0;
    if (tls_) {
      const TlsSession::Transfer transfer = tls_->write(bytes);
      if (transfer.outcome == Outcome::kFailed) return tls_->failure();
      if (transfer.outcome == Outcome::kClosed) return Error(Code::kUnavailable, "the server closed the connection");
      if (transfer.outcome != Outcome::kDone) wanted = transfer.outcome == Outcome::kWantRead ? POLLIN : POLLOUT;
      written = transfer.bytes;
    } else {
      const ssize_t count = ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) wanted = POLLOUT;
      if (count < 0 && wanted == 0 && errno != EINTR) {
        return Error(Code::kUnavailable, error_from_errno(errno, "send the request").message());
      }
      written = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
    bytes = bytes.subspan(written);
    if (wanted != 0) CLOISTER_RETURN_IF_ERROR(wait_for(socket_.descriptor(), wanted, deadline, "send the request"));
  }
  return {};
}

Result<std::size_t> ClientConnection::read(MutableByteView out, Ticks deadline) {
  for (;;) {
    short wanted = POLLIN;
    if (tls_) {
      const TlsSession::Transfer transfer = tls_->read(out);
      if (transfer.outcome == Outcome::kDone) return transfer.bytes;
      if (transfer.outcome == Outcome::kClosed) return std::size_t{0};
      if (transfer.outcome == Outcome::kFailed) return tls_->failure();
      if (transfer.outcome == Outcome::kWantWrite) wanted = POLLOUT;
    } else {
      const ssize_t count = ::recv(socket_.descriptor(), out.data(), out.size(), 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EAGAIN && errno != EINTR) {
        return Error(Code::kUnavailable, error_from_errno(errno, "wait for the answer").message());
      }
    }
    CLOISTER_RETURN_IF_ERROR(wait_for(socket_.descriptor(), wanted, deadline, "wait for the answer"));
  }
}

void ClientConnection::say_goodbye() {
  if (tls_) tls_->close_notify();
}

bool ClientConnection::usable(Ticks now, const ClientOptions& options) const {
  const bool young = now - resting_since_ < options.idle_time.ms && now - began_ < options.connection_time.ms;
  if (!young || now >= end_of_proof_) return false;
  pollfd waiting{socket_.descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

}  // namespace cloister::net
