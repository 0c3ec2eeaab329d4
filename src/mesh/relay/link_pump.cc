// How bytes move through a relayed connection: at most one buffer's worth waits on either side, and then nothing more
// is read from the other.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mesh/relay/link.h"

namespace cloister::mesh {
namespace {

using Outcome = net::TlsSession::Outcome;
// Before others have their turn.
constexpr int kTurns = 8;

}  // namespace

void Link::pump() {
  bool moved = true;
  for (int turn = 0; turn < kTurns && moved; ++turn) {
    moved = pump_up();
    if (phase_ == Phase::kRelaying) moved = pump_down() || moved;
    if (phase_ != Phase::kRelaying) return;
    if (moved) active_ = loop_.now();
  }
  if (up_done_ && down_done_) return end(RelayEnd::kFinished);
  if (moved) loop_.again(*this);
}

bool Link::pump_up() {
  if (session_->has_unsent()) {
    if (!tls_.writable) return false;
    const Outcome flushed = session_->flush();
    if (flushed == Outcome::kFailed) broken();
    if (flushed == Outcome::kWantWrite) tls_.writable = false;
    if (flushed != Outcome::kDone) return false;
  }
  if (up_done_) return false;
  if (up_eof_) {
    finish_up();
    return up_done_;
  }
  if (!plain_.readable) return false;
  const ssize_t count = ::recv(plain_.socket.descriptor(), loop_.buffer(), Loop::kBufferSize, 0);
  if (count < 0) {
    if (errno == EINTR) return true;
    plain_.readable = false;
    if (errno != EAGAIN && errno != EWOULDBLOCK) end(RelayEnd::kReset);
    return false;
  }
  if (count == 0) {
    up_eof_ = true;
    return true;
  }
  const auto size = static_cast<std::size_t>(count);
  // A read that leaves room has emptied the socket; what comes later is announced anew.
  if (size < Loop::kBufferSize && !plain_.hung_up) plain_.readable = false;
  const Outcome outcome = session_->send({loop_.buffer(), size}, loop_.scratch());
  sent_ += size;
  RelayCounterShard::add(loop_.count().sent, size);
  if (outcome == Outcome::kFailed) broken();
  if (outcome == Outcome::kWantWrite) tls_.writable = false;
  return phase_ == Phase::kRelaying;
}

// Everything before the workload's end is with the socket already.
void Link::finish_up() {
  // A second goodbye would have OpenSSL wait for the peer's.
  if (!std::exchange(said_goodbye_, true)) session_->close_notify();
  if (session_->has_unsent()) {
    tls_.writable = false;
    return;
  }
  ::shutdown(tls_.socket.descriptor(), SHUT_WR);
  up_done_ = true;
}

bool Link::pump_down() {
  if (!pending_.empty()) {
    if (!plain_.writable) return false;
    Bytes rest;
    rest.swap(pending_);
    if (!send_plain(rest) || !pending_.empty()) return false;
    return true;
  }
  if (down_done_) return false;
  if (down_eof_) {
    ::shutdown(plain_.socket.descriptor(), SHUT_WR);
    down_done_ = true;
    return true;
  }
  if (!tls_.readable) return false;
  std::size_t filled = 0;
  const bool whole = fill_from_tls(filled);
  if (filled != 0) {
    received_ += filled;
    RelayCounterShard::add(loop_.count().received, filled);
    if (!send_plain({loop_.buffer(), filled})) return false;
  }
  if (!whole) {
    broken();
    return false;
  }
  if (session_->has_unsent() && session_->flush() == Outcome::kWantWrite) tls_.writable = false;
  return filled != 0 || down_eof_;
}

// False when the session failed; what came before that is in the buffer all the same.
bool Link::fill_from_tls(std::size_t& filled) {
  while (filled < Loop::kBufferSize) {
    const auto read = session_->read({loop_.buffer() + filled, Loop::kBufferSize - filled});
    switch (read.outcome) {
      case Outcome::kDone: filled += read.bytes; continue;
      case Outcome::kWantRead: tls_.readable = false; return true;
      case Outcome::kWantWrite: return true;
      case Outcome::kClosed: down_eof_ = true; return true;
      case Outcome::kFailed: return false;
    }
  }
  return true;
}

// False when the connection is over. What the socket doesn't take is pending_.
bool Link::send_plain(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(plain_.socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      plain_.writable = false;
      pending_.assign(bytes.begin(), bytes.end());
      return true;
    } else if (errno != EINTR) {
      end(RelayEnd::kReset);
      return false;
    }
  }
  return true;
}

// A client learns only now that the server doesn't take its certificate: TLS 1.3 lets it finish first.
void Link::broken() {
  if (received_ == 0 && session_->refused_by_peer()) {
    return refuse(RelayRefusal::kByPeer, session_->failure().message());
  }
  end(RelayEnd::kBroken);
}

}  // namespace cloister::mesh
