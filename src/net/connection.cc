#include "net/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "net/grpc_stream.h"

namespace cloister::net {
namespace {

constexpr Ticks kLingerTime = 2000;
// Reads of one connection before it is another's turn.
constexpr int kTurns = 16;
constexpr std::size_t kSpareOutputMax = 256 << 10;

Ticks microseconds_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TlsSession::Outcome outcome_of_errno(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return TlsSession::Outcome::kWantRead;
  return TlsSession::Outcome::kFailed;
}

}  // namespace

class Connection::Later final : public Deferral {
 public:
  Later(Connection& connection, RequestId id, Ticks began_us) : connection_(connection), id_(id), began_us_(began_us) {}

  Answer take() override {
    CLOISTER_CHECK(!taken_);
    taken_ = true;
    auto deliver = [mailbox = connection_.thread_.mailbox(), weak = connection_.weak_from_this(), id = id_,
                    began_us = began_us_](Response response) {
      mailbox->post([weak, id, began_us, response = std::move(response)]() mutable {
        if (const auto connection = weak.lock()) connection->answer(id, std::move(response), began_us);
      });
    };
    return connection_.info_->protocol == Protocol::kHttp1 ? Answer(std::move(deliver), body()) : Answer(deliver);
  }
  bool taken() const { return taken_; }

 private:
  Answer::Begin body() const {
    return [mailbox = connection_.thread_.mailbox(), weak = connection_.weak_from_this(), id = id_,
            began_us = began_us_](Response head) {
      auto flow = std::make_shared<BodyFlow>([mailbox, weak, id](Push push) {
        return mailbox->post([weak, id, push = std::move(push)]() mutable {
          if (const auto connection = weak.lock()) connection->push(id, std::move(push));
        });
      });
      const bool posted = mailbox->post([weak, id, began_us, flow, head = std::move(head)]() mutable {
        const auto connection = weak.lock();
        connection ? connection->begin_body(id, std::move(head), flow, began_us) : flow->close();
      });
      if (!posted) flow->close();
      return flow;
    };
  }

  Connection& connection_;
  RequestId id_;
  Ticks began_us_;
  bool taken_ = false;
};

Connection::Connection(IoThread& thread, Accepted accepted)
    : thread_(thread),
      settings_(std::move(accepted.settings)),
      admission_(std::move(accepted.admission)),
      socket_(thread.io()),
      tls_(std::move(accepted.tls)),
      info_(std::make_shared<ConnectionInfo>()) {
  boost::system::error_code error;
  socket_.assign(accepted.socket.release(), error);
  info_->remote = std::move(accepted.remote);
  info_->unix_peer = std::move(accepted.unix_peer);
  if (error) phase_ = Phase::kLingering;  // ended by begin()
}

void Connection::begin() {
  CounterShard::add(thread_.counters().connections_accepted);
  now_ = ticks_now();
  end_of_life_ = now_ + limits().connection_time.ms;
  if (phase_ == Phase::kLingering || thread_.server().draining()) return close();
  phase_ = tls_ ? Phase::kHandshake : Phase::kFirstBytes;
  phase_deadline_ = now_ + (tls_ ? limits().handshake_time : limits().idle_time).ms;
  run();
}

void Connection::run() {
  now_ = ticks_now();
  input_drained_ = false;
  advance();
  settle();
}

void Connection::advance() {
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  if (phase_ == Phase::kHandshake) shake_hands();
  if (phase_ == Phase::kOpen || phase_ == Phase::kFirstBytes) serve();
  if (phase_ == Phase::kLingering) discard_input();
}

// After every step: the buffer goes back, and the connection waits for what comes next.
void Connection::settle() {
  if (unsent() == 0) {
    wipe_and_clear(output_);
    sent_ = 0;
    if (output_.capacity() <= kSpareOutputMax && thread_.spare_output().capacity() == 0) {
      output_.swap(thread_.spare_output());
    }
    if (output_.capacity() != 0) output_ = {};
  }
  if (phase_ == Phase::kClosed) return;
  deadline_ = next_deadline();
  if (std::exchange(more_, false)) {
    boost::asio::post(thread_.io(), [self = shared_from_this()] {
      if (self->phase_ != Phase::kClosed) self->run();
    });
    return;
  }
  if (wants_to_read()) arm(Wait::wait_read, read_armed_);
  if (handshake_writes_ || unsent() > 0) arm(Wait::wait_write, write_armed_);
}

bool Connection::wants_to_read() const {
  if (phase_ == Phase::kHandshake) return !handshake_writes_;
  if (phase_ == Phase::kOpen) return session_->wants_input() && unsent() < limits().output_bytes;
  return true;
}

void Connection::arm(Wait what, bool& armed) {
  if (std::exchange(armed, true)) return;
  socket_.async_wait(what, [self = shared_from_this(), &armed](const boost::system::error_code& error) {
    armed = false;
    if (!error && self->phase_ != Phase::kClosed) self->run();
  });
}

Ticks Connection::next_deadline() const {
  if (phase_ != Phase::kOpen) return phase_deadline_;
  const Ticks end = draining_ ? kNever : std::min(end_of_proof_, end_of_life_);
  return std::min({session_->deadline(), write_deadline_, end});
}

void Connection::shake_hands() {
  handshake_writes_ = false;
  switch (tls_->handshake()) {
    case Outcome::kWantRead: return;
    case Outcome::kWantWrite: handshake_writes_ = true; return;
    case Outcome::kDone: break;
    default: {
      const Error& failure = tls_->failure();
      const bool peer =
          failure.code() == Code::kDenied || failure.code() == Code::kExpired || failure.code() == Code::kCorrupt;
      refuse(peer ? Refusal::kPeer : Refusal::kTls, failure.message());
      return linger();
    }
  }
  admission_->shaken();
  CounterShard::add(thread_.counters().handshakes_done);
  info_->tls_group = tls_->group();
  info_->tls_cipher = tls_->cipher();
  auto binding = tls_->channel_binding();
  if (!binding.ok()) {
    refuse(Refusal::kTls, binding.error().message());
    return linger();
  }
  info_->channel_binding = binding.value();
  info_->peer = tls_->peer();
  info_->peer_key = tls_->peer_key();
  if (info_->peer) {
    if (!admission_->add_peer(info_->peer->id, limits().connections_per_peer)) {
      refuse(Refusal::kTooManyFromPeer, {});
      tls_->close_notify();
      return linger();
    }
    end_of_proof_ = now_ + (info_->peer->not_after - thread_.server().now()).ms;
  }
  open(tls_->speaks_http2() ? Protocol::kHttp2 : Protocol::kHttp1);
}

void Connection::open(Protocol protocol) {
  phase_ = Phase::kOpen;
  info_->protocol = protocol;
  const SessionSettings settings{&settings_->limits, &settings_->bodies, this};
  session_ =
      protocol == Protocol::kHttp2 ? new_http2_session(settings, now_, output_) : new_http1_session(settings, now_);
}

void Connection::serve() {
  for (int turn = 0; turn < kTurns; ++turn) {
    if (!serve_once()) return;
  }
  more_ = true;
}

// True when there may be more to do at once.
bool Connection::serve_once() {
  const bool flushed = flush();
  if (phase_ == Phase::kClosed) return false;
  if (flushed && session_) {
    const Session::End end = session_->end();
    if (end != Session::End::kNot) {
      if (tls_) tls_->close_notify();
      end == Session::End::kQuiet ? close() : linger();
      return false;
    }
    session_->resume(now_, output_);
    if (unsent() > 0) return true;
  }
  // Level-triggered: what is still in the socket will be announced again.
  if (input_drained_ || !wants_to_read()) return false;
  const TlsSession::Transfer transfer = receive();
  switch (transfer.outcome) {
    case Outcome::kDone: take_input(thread_.input().first(transfer.bytes)); return true;
    case Outcome::kWantRead:
    case Outcome::kWantWrite: return false;
    case Outcome::kClosed:
      if (session_) {
        session_->input_ended(now_, output_);
        return true;
      }
      close();
      return false;
    case Outcome::kFailed:
      if (tls_ && tls_->failure().code() == Code::kInvalid) refuse(Refusal::kTls, tls_->failure().message());
      close();
  }
  return false;
}

void Connection::take_input(ByteView bytes) {
  CounterShard::add(thread_.counters().bytes_in, bytes.size());
  input_drained_ = tls_ ? !tls_->has_buffered() : bytes.size() < thread_.input().size();
  if (session_) {
    session_->feed(now_, bytes, output_);
  } else {
    append(first_bytes_, bytes);
    if (const auto protocol = protocol_of(first_bytes_)) {
      open(*protocol);
      session_->feed(now_, std::exchange(first_bytes_, {}), output_);
    }
  }
  crypto::wipe(thread_.input().first(bytes.size()));
}

TlsSession::Transfer Connection::receive() {
  const MutableByteView room = thread_.input();
  if (tls_) return tls_->read(room);
  const ssize_t count = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
  if (count > 0) return {Outcome::kDone, static_cast<std::size_t>(count)};
  return {count == 0 ? Outcome::kClosed : outcome_of_errno(errno)};
}

TlsSession::Transfer Connection::transmit(ByteView bytes) {
  if (tls_) return tls_->write(bytes);
  const ssize_t count = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return {Outcome::kDone, static_cast<std::size_t>(count)};
  return {outcome_of_errno(errno)};
}

// True when nothing is left to send; may close.
bool Connection::flush() {
  while (unsent() > 0) {
    const TlsSession::Transfer transfer = transmit(ByteView(output_).subspan(sent_));
    if (transfer.outcome == Outcome::kDone) {
      sent_ += transfer.bytes;
      CounterShard::add(thread_.counters().bytes_out, transfer.bytes);
      write_deadline_ = now_ + limits().write_time.ms;
      continue;
    }
    if (transfer.outcome != Outcome::kWantRead && transfer.outcome != Outcome::kWantWrite) close();
    if (write_deadline_ == kNever) write_deadline_ = now_ + limits().write_time.ms;
    return false;
  }
  wipe_and_clear(output_);
  sent_ = 0;
  write_deadline_ = kNever;
  if (flow_) flow_->taken(std::exchange(flow_unsent_, 0));
  return true;
}

// Closing at once would make the kernel throw away what the peer hasn't read of our last words (RFC 9112 9.6).
void Connection::linger() {
  ::shutdown(socket_.native_handle(), SHUT_WR);
  phase_ = Phase::kLingering;
  close_body();
  handshake_writes_ = false;
  phase_deadline_ = now_ + kLingerTime;
  wipe_and_clear(output_);
  sent_ = 0;
}

void Connection::discard_input() {
  const MutableByteView room = thread_.input();
  for (int turn = 0; turn < kTurns; ++turn) {
    const ssize_t count = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
    if (count < 0 && outcome_of_errno(errno) == Outcome::kWantRead) return;
    if (count <= 0) return close();
    discarded_ += static_cast<std::size_t>(count);
    if (discarded_ > kLingerBytes) return close();
  }
}

void Connection::expire() {
  now_ = ticks_now();
  input_drained_ = false;
  switch (phase_) {
    case Phase::kHandshake: refuse(Refusal::kHandshakeTime, {}); return close();
    case Phase::kFirstBytes:
    case Phase::kLingering: return close();
    case Phase::kOpen: break;
    case Phase::kClosed: return;
  }
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  expire_open();
  if (phase_ != Phase::kClosed) advance();
  settle();
}

void Connection::expire_open() {
  if (now_ >= write_deadline_) {
    refuse(Refusal::kWriteTime, {});
    return close();
  }
  if (!draining_ && now_ >= std::min(end_of_proof_, end_of_life_)) {
    if (now_ >= end_of_proof_) refuse(Refusal::kPeerExpired, {});
    draining_ = true;
    session_->drain(now_, output_);
  }
  if (now_ >= session_->deadline()) session_->expire(now_, output_);
}

void Connection::drain() {
  now_ = ticks_now();
  input_drained_ = false;
  if (phase_ == Phase::kHandshake || phase_ == Phase::kFirstBytes) return close();
  if (phase_ != Phase::kOpen) return;
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  draining_ = true;
  session_->drain(now_, output_);
  advance();
  settle();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  deadline_ = kNever;
  close_body();
  wipe_and_clear(output_);
  sent_ = 0;
  boost::system::error_code ignored;
  socket_.close(ignored);
  CounterShard::add(thread_.counters().connections_ended);
  thread_.release(*this);
  admission_.reset();
}

std::optional<Response> Connection::handle(RequestId id, Request& request) {
  CounterShard& counters = thread_.counters();
  CounterShard::add(counters.requests);
  if (now_ >= end_of_proof_) return problem(401);
  request.connection = info_;
  const Ticks began_us = microseconds_now();
  Later later(*this, id, began_us);
  auto response = settings_->handler->handle(request, later);
  CLOISTER_CHECK(!response || !later.taken());
  if (later.taken()) return std::nullopt;
  if (!response) response = problem(500);
  counters.answered(response->status, static_cast<std::uint64_t>(microseconds_now() - began_us));
  return response;
}

void Connection::answer(RequestId id, Response response, Ticks began_us) {
  if (phase_ != Phase::kOpen) return;
  thread_.counters().answered(response.status, static_cast<std::uint64_t>(microseconds_now() - began_us));
  now_ = ticks_now();
  input_drained_ = false;
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  session_->answer(now_, id, std::move(response), output_);
  advance();
  settle();
}

void Connection::begin_body(RequestId id, Response head, std::shared_ptr<BodyFlow> flow, Ticks began_us) {
  if (phase_ != Phase::kOpen) return flow->close();
  thread_.counters().answered(head.status, static_cast<std::uint64_t>(microseconds_now() - began_us));
  now_ = ticks_now();
  input_drained_ = false;
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  close_body();
  if (session_->begin_body(now_, id, std::move(head), output_)) {
    flow_ = std::move(flow);
  } else {
    flow->close();
  }
  advance();
  settle();
}

// Whoever still writes learns that nobody reads.
void Connection::close_body() {
  if (flow_) flow_->close();
  flow_.reset();
  flow_unsent_ = 0;
}

std::unique_ptr<StreamInput> Connection::take_stream(RequestId id, Request& head) {
  const GrpcServing* serving = settings_->handler->grpc();
  head.connection = info_;
  if (serving == nullptr || now_ >= end_of_proof_ || grpc_head(head) != GrpcHead::kFine) return nullptr;
  CounterShard::add(thread_.counters().requests);
  if (!calls_) calls_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  auto outlet = [mailbox = thread_.mailbox(), weak = weak_from_this(), id](Push push) {
    mailbox->post([weak, id, push = std::move(push)]() mutable {
      if (const auto connection = weak.lock()) connection->push(id, std::move(push));
    });
  };
  return begin_grpc_stream(*serving, std::move(head), now_,
                           {&settings_->bodies, this, std::move(outlet), calls_, limits().streams});
}

void Connection::push(RequestId id, Push push) {
  if (phase_ != Phase::kOpen) return;
  now_ = ticks_now();
  input_drained_ = false;
  if (output_.capacity() == 0) output_.swap(thread_.spare_output());
  if (flow_) flow_unsent_ += push.bytes.size();
  session_->push(now_, id, std::move(push), output_);
  advance();
  settle();
}

void Connection::refuse(Refusal why, std::string detail) {
  thread_.counters().refuse(why);
  thread_.server().report({why, info_->remote, info_->peer ? info_->peer->id : "", std::move(detail)});
}

}  // namespace cloister::net
