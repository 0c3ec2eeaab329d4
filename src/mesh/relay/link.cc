#include "mesh/relay/link.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "mesh/relay/proxy_header.h"
#include "mesh/relay/sockets.h"

namespace cloister::mesh {
namespace {

using Outcome = net::TlsSession::Outcome;
constexpr std::uint8_t kTlsHandshakeRecord = 0x16;

// Closing resets the connection: the other end learns that this was no proper end.
void reset_on_close(const net::Socket& socket) {
  const linger at_once{1, 0};
  if (socket) ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

net::SocketAddress address_of(int socket, decltype(&::getpeername) ask) {
  net::SocketAddress address;
  if (ask(socket, address.get(), &address.size) != 0) address.storage.ss_family = AF_UNSPEC;
  return address;
}

RelayRefusal refusal_of(const net::TlsSession& session) {
  if (session.refused_by_peer()) return RelayRefusal::kByPeer;
  switch (session.failure().code()) {
    case Code::kDenied:
    case Code::kExpired:
    case Code::kCorrupt: return RelayRefusal::kIdentity;
    default: return RelayRefusal::kTls;
  }
}

}  // namespace

Link::Link(Loop& loop, std::shared_ptr<const Service> service, net::Socket accepted, std::string remote)
    : loop_(loop), service_(std::move(service)), remote_(std::move(remote)) {
  (inbound() ? tls_ : plain_).socket = std::move(accepted);
}

Link::~Link() = default;

void Link::begin(Places places) {
  places_ = std::move(places);
  Flow& accepted = inbound() ? tls_ : plain_;
  set_stream_options(accepted.socket.descriptor());
  active_ = loop_.now();
  life_until_ = active_ + service_->limits.connection_time.ms;
  phase_until_ = active_ + service_->limits.handshake_time.ms;
  if (!find_targets()) return;
  phase_ = inbound() ? Phase::kHello : Phase::kConnecting;
  if (!loop_.watch(*this, inbound() ? Loop::Side::kTls : Loop::Side::kPlain, accepted.socket.descriptor())) {
    return refuse(RelayRefusal::kConnections, "the kernel watches no more sockets");
  }
  if (!inbound()) connect_next();
}

// Of an intercepted connection, where its client meant to go: one of the addresses that are configured. A workload is
// known by its port, since it is this machine's.
bool Link::find_targets() {
  targets_ = service_->targets->current();
  if (service_->settings.interception == Interception::kNone) return true;
  const auto original =
      original_destination((inbound() ? tls_ : plain_).socket.descriptor(), service_->settings.interception);
  if (!original.ok()) {
    refuse(RelayRefusal::kDestination, original.error().message());
    return false;
  }
  const auto meant = std::ranges::find_if(*targets_, [&](const net::SocketAddress& one) {
    return inbound() ? one.port() == original->port() : same_address(one, *original);
  });
  if (meant == targets_->end()) {
    refuse(RelayRefusal::kDestination, original->to_string() + " isn't configured");
    return false;
  }
  targets_ = std::make_shared<const Targets::List>(Targets::List{*meant});
  return true;
}

void Link::ready(Loop::Side side, std::uint32_t events) {
  if (phase_ == Phase::kOver) return;
  Flow& flow = side == Loop::Side::kTls ? tls_ : plain_;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) flow.readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) flow.writable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) flow.hung_up = true;
  advance();
}

void Link::advance() {
  bool go_on = true;
  while (go_on) {
    switch (phase_) {
      case Phase::kHello: go_on = hello(); break;
      case Phase::kConnecting: go_on = connecting(); break;
      case Phase::kHandshake: go_on = shake(); break;
      case Phase::kRelaying:
        pump();
        go_on = false;
        break;
      case Phase::kOver: go_on = false; break;
    }
  }
}

// What begins otherwise than TLS is turned away before anything is spent on it.
bool Link::hello() {
  if (!tls_.readable) return false;
  std::uint8_t first = 0;
  const ssize_t count = ::recv(tls_.socket.descriptor(), &first, 1, MSG_PEEK);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    tls_.readable = errno == EINTR;
    return errno == EINTR;
  }
  if (count <= 0) {
    refuse(RelayRefusal::kTls, "it went away without a word");
    return false;
  }
  if (first != kTlsHandshakeRecord) {
    refuse(RelayRefusal::kPlaintext, "what came first was no TLS");
    return false;
  }
  return start_tls();
}

bool Link::start_tls() {
  const int socket = tls_.socket.descriptor();
  auto own = service_->source->current();
  auto session = inbound() ? service_->tls->accept(socket)
                           : service_->tls->connect_to_admitted(socket, service_->settings.server_name);
  // A receipt is signed by the very identity that was shown: when it was replaced meanwhile, that is uncertain.
  while (session.ok() && own != service_->source->current()) {
    own = service_->source->current();
    session = inbound() ? service_->tls->accept(socket)
                        : service_->tls->connect_to_admitted(socket, service_->settings.server_name);
  }
  if (!session.ok()) {
    refuse(RelayRefusal::kTls, session.error().message());
    return false;
  }
  if (loop_.state().receipts != nullptr) own_ = std::move(own);
  session_ = std::move(*session);
  phase_ = Phase::kHandshake;
  return true;
}

void Link::connect_next() {
  Flow& flow = inbound() ? plain_ : tls_;
  phase_ = Phase::kConnecting;
  while (next_target_ < targets_->size()) {
    flow = Flow();
    auto socket = begin_connect((*targets_)[next_target_++], loop_.state().mark);
    if (!socket.ok()) {
      last_failure_ = socket.error().message();
      continue;
    }
    flow.socket = std::move(*socket);
    phase_until_ = loop_.now() + service_->limits.connect_time.ms;
    if (loop_.watch(*this, inbound() ? Loop::Side::kPlain : Loop::Side::kTls, flow.socket.descriptor())) return;
    last_failure_ = "the kernel watches no more sockets";
  }
  refuse(RelayRefusal::kTarget, last_failure_.empty() ? "there is no address for it" : last_failure_);
}

bool Link::connecting() {
  Flow& flow = inbound() ? plain_ : tls_;
  if (!flow.writable) return false;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(flow.socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    const std::string target = (*targets_)[next_target_ - 1].to_string();
    last_failure_ = error_from_errno(error, "connect to " + target).message();
    connect_next();
    return false;
  }
  if (inbound()) {
    begin_relaying();
    return true;
  }
  phase_until_ = loop_.now() + service_->limits.handshake_time.ms;
  return start_tls();
}

bool Link::shake() {
  switch (session_->handshake()) {
    case Outcome::kDone: break;
    case Outcome::kWantRead: tls_.readable = false; return false;
    case Outcome::kWantWrite: tls_.writable = false; return false;
    default: refuse(refusal_of(*session_), session_->failure().message()); return false;
  }
  shaken();
  return phase_ != Phase::kOver;
}

void Link::shaken() {
  places_.handshake.reset();
  RelayCounterShard::add(loop_.count().handshakes);
  const net::Peer& peer = *session_->peer();
  peer_place_ = loop_.state().peers.take(peer.id, service_->limits.connections_per_peer);
  if (!peer_place_) return refuse(RelayRefusal::kPeer, peer.id);
  begun_ = loop_.state().clock();
  if (service_->settings.end_with_proof) {
    life_until_ = std::min(life_until_, loop_.now() + std::max<std::int64_t>((peer.not_after - begun_).ms, 0));
  }
  if (loop_.state().receipts != nullptr) {
    const auto binding = session_->channel_binding();
    CLOISTER_CHECK(binding.ok());
    exporter_ = *binding;
    local_address_ = address_of(tls_.socket.descriptor(), ::getsockname).to_string();
    remote_address_ = address_of(tls_.socket.descriptor(), ::getpeername).to_string();
  }
  if (inbound()) return connect_next();
  begin_relaying();
}

void Link::begin_relaying() {
  if (service_->settings.proxy_header) {
    const int socket = tls_.socket.descriptor();
    const std::string protocol = session_->protocol(), cipher = session_->cipher();
    pending_ = proxy_header(
        {address_of(socket, ::getpeername), address_of(socket, ::getsockname), session_->peer()->id, protocol, cipher});
  }
  targets_.reset();
  active_ = loop_.now();
  phase_ = Phase::kRelaying;
  if (replacement_) change_service(std::exchange(replacement_, nullptr));
}

net::Ticks Link::deadline() const {
  if (phase_ != Phase::kRelaying) return std::min(phase_until_, life_until_);
  const bool half_open = up_done_ || down_done_;
  const Duration patience = half_open ? service_->limits.half_open_time : service_->limits.idle_time;
  return std::min(active_ + patience.ms, life_until_);
}

void Link::expire() {
  if (phase_ == Phase::kConnecting && loop_.now() < life_until_) {
    last_failure_ = "connect to " + (*targets_)[next_target_ - 1].to_string() + ": no answer in time";
    return connect_next();
  }
  if (phase_ != Phase::kRelaying) return refuse(RelayRefusal::kTime, "the handshake took too long");
  end(loop_.now() >= life_until_ ? RelayEnd::kTime : RelayEnd::kIdle);
}

void Link::refuse(RelayRefusal why, std::string detail) {
  if (phase_ == Phase::kOver) return;
  RelayCounterShard::add(loop_.count().refused[static_cast<std::size_t>(why)]);
  loop_.state().events->refused({why, service_->settings.name, remote_, std::move(detail)});
  // An end that refused us has nothing to say of this connection.
  if (begun_.unix_ms != 0 && why != RelayRefusal::kByPeer) write_receipt(false);
  reset_on_close(plain_.socket);  // the TLS side closes as usual, so that an alert still arrives
  finish();
}

void Link::end(RelayEnd why) {
  if (phase_ == Phase::kOver) return;
  if (phase_ != Phase::kRelaying) return refuse(RelayRefusal::kTime, std::string(relay_end_name(why)));
  RelayCounterShard::add(loop_.count().ended[static_cast<std::size_t>(why)]);
  EndedConnection ended{why,
                        service_->settings.name,
                        remote_,
                        session_->peer()->id,
                        session_->cipher(),
                        session_->group(),
                        loop_.state().clock() - begun_,
                        sent_,
                        received_};
  loop_.state().events->ended(ended);
  write_receipt(why == RelayEnd::kFinished);
  if (why != RelayEnd::kFinished) {
    reset_on_close(tls_.socket);
    reset_on_close(plain_.socket);
  }
  finish();
}

void Link::finish() {
  phase_ = Phase::kOver;
  session_.reset();
  tls_.socket.reset();
  plain_.socket.reset();
  places_ = Places();
  peer_place_.reset();
  loop_.release(*this);
}

void Link::write_receipt(bool orderly) {
  if (loop_.state().receipts == nullptr || !own_) return;
  ConnectionFacts facts;
  facts.role = inbound() ? ReceiptRole::kServer : ReceiptRole::kClient;
  facts.exporter = exporter_;
  facts.peer_id = session_->peer()->id;
  facts.peer_leaf = *session_->peer_leaf();
  facts.cipher = session_->cipher();
  facts.group = session_->group();
  facts.local = local_address_;
  facts.remote = remote_address_;
  facts.begun = begun_;
  facts.ended = loop_.state().clock();
  facts.sent = sent_;
  facts.received = received_;
  facts.orderly = orderly;
  loop_.state().receipts->record(std::move(facts), own_);
}

void Link::change_service(const std::shared_ptr<const Service>& next) {
  if (phase_ != Phase::kRelaying) {
    replacement_ = next;  // judged by it as soon as its peer is known
    return;
  }
  if (!next->settings.peers.allows(session_->peer()->id)) return end(RelayEnd::kDisallowed);
  service_ = next;
}

}  // namespace cloister::mesh
