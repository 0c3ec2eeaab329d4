#include "mesh/relay/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "base/parallel.h"
#include "mesh/relay/link.h"
#include "mesh/relay/sockets.h"
#include "net/unix_peer.h"

namespace cloister::mesh {
namespace {

constexpr net::Ticks kSweepInterval = 250;
constexpr int kEventsAtOnce = 256;
constexpr int kAcceptsAtOnce = 32;
constexpr int kAcceptsAtTheEnd = 65536;

// What an event belongs to: a pointer, whose low bits say of what kind.
enum Tag : std::uint64_t { kTlsSide = 0, kPlainSide = 1, kListener = 2, kWake = 3, kTagMask = 3 };
template <typename Object>
std::uint64_t tagged(const Object* object, Tag tag) {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(object)) | tag;
}

bool add(int epoll, int socket, std::uint32_t events, std::uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0;
}

bool out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// An inbound one's clients prove themselves by TLS, whoever they are.
bool is_user(const ListenerSettings& settings, uid_t uid) {
  if (settings.direction == ListenerSettings::Direction::kInbound) return true;
  return uid == 0 || uid == ::geteuid() || settings.user == uid;
}

}  // namespace

Loop::Loop(RelayState& state) : state_(state), buffer_(std::make_unique<std::uint8_t[]>(kBufferSize)) {}

Status Loop::open() {
  epoll_ = net::Socket(::epoll_create1(EPOLL_CLOEXEC));
  wake_ = net::Socket(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!epoll_ || !wake_ || !add(epoll_.descriptor(), wake_.descriptor(), EPOLLIN, kWake)) {
    return error_from_errno(errno, "start a thread of the relay");
  }
  CLOISTER_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

Result<std::unique_ptr<Loop>> Loop::start(RelayState& state) {
  std::unique_ptr<Loop> loop(new Loop(state));
  CLOISTER_RETURN_IF_ERROR(loop->open());
  return loop;
}

Loop::~Loop() {
  if (!thread_.joinable()) return;
  cut(RelayEnd::kDrained);
  post([this] { stopping_ = true; });
  thread_.join();
}

void Loop::post(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.descriptor(), &one, sizeof one);
}

void Loop::serve(std::shared_ptr<const Service> service, net::Socket socket) {
  // A std::function wants to be copyable.
  auto shared = std::make_shared<net::Socket>(std::move(socket));
  post([this, service = std::move(service), shared] { adopt(service, std::move(*shared)); });
}

void Loop::adopt(std::shared_ptr<const Service> service, net::Socket socket) {
  change(service);
  if (!socket) return;
  listeners_.push_back(std::make_unique<Listening>(Listening{std::move(service), std::move(socket)}));
  watch_listener(*listeners_.back());
}

void Loop::change(const std::shared_ptr<const Service>& service) {
  for (const auto& listening : listeners_) {
    if (listening->service->settings.name == service->settings.name) listening->service = service;
  }
  for (std::size_t i = links_.size(); i-- > 0;) {
    if (links_[i]->service().settings.name == service->settings.name) links_[i]->change_service(service);
  }
}

void Loop::keep_only(std::vector<std::string> names) {
  post([this, names = std::move(names)] {
    for (auto& listening : listeners_) {
      if (std::ranges::find(names, listening->service->settings.name) != names.end()) continue;
      // Closed with somebody in its queue, it would reset them.
      accept_some(*listening, kAcceptsAtTheEnd);
      // A Unix socket has copies in other threads, with which the kernel would go on watching it.
      ::epoll_ctl(epoll_.descriptor(), EPOLL_CTL_DEL, listening->socket.descriptor(), nullptr);
      listening->socket.reset();
      closed_listeners_.push_back(std::move(listening));
    }
    std::erase(listeners_, nullptr);
  });
}

void Loop::cut(RelayEnd why) {
  post([this, why] {
    while (!links_.empty()) links_.back()->end(why);
  });
}

bool Loop::watch_listener(Listening& listening) {
  // A Unix socket is the same one in all threads: one of them is woken.
  const std::uint32_t exclusive = listening.service->settings.listen.is_unix() ? std::uint32_t{EPOLLEXCLUSIVE} : 0U;
  listening.paused =
      !add(epoll_.descriptor(), listening.socket.descriptor(), EPOLLIN | exclusive, tagged(&listening, kListener));
  return !listening.paused;
}

bool Loop::watch(Link& link, Side side, int socket) {
  return add(epoll_.descriptor(), socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
             tagged(&link, side == Side::kTls ? kTlsSide : kPlainSide));
}

void Loop::again(Link& link) {
  if (std::exchange(link.queued, true)) return;
  again_.push_back(&link);
}

void Loop::release(Link& link) {
  const std::size_t place = link.place;
  if (link.queued) std::ranges::replace(again_, &link, static_cast<Link*>(nullptr));
  released_.push_back(std::move(links_[place]));
  if (place + 1 != links_.size()) {
    links_[place] = std::move(links_.back());
    links_[place]->place = place;
  }
  links_.pop_back();
  RelayCounterShard::add(counters_.over);
}

void Loop::run() {
  while (!stopping_) {
    wait();
    std::vector<Link*> turn;
    turn.swap(again_);
    for (Link* link : turn) {
      if (link == nullptr) continue;
      link->queued = false;
      link->advance();
    }
    if (now_ >= next_sweep_) sweep();
    work_off_posted();
    released_.clear();
    closed_listeners_.clear();
  }
}

void Loop::wait() {
  epoll_event events[kEventsAtOnce];
  const net::Ticks rest = std::max<net::Ticks>(next_sweep_ - net::ticks_now(), 0);
  const int count =
      ::epoll_wait(epoll_.descriptor(), events, kEventsAtOnce, again_.empty() ? static_cast<int>(rest) : 0);
  now_ = net::ticks_now();
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events[i].data.u64;
    void* object = reinterpret_cast<void*>(static_cast<std::uintptr_t>(data & ~kTagMask));
    switch (data & kTagMask) {
      case kListener: accept_some(*static_cast<Listening*>(object), kAcceptsAtOnce); break;
      case kWake: {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t read = ::read(wake_.descriptor(), &ignored, sizeof ignored);
        break;
      }
      default:
        static_cast<Link*>(object)->ready((data & kTagMask) == kTlsSide ? Side::kTls : Side::kPlain, events[i].events);
    }
  }
}

void Loop::work_off_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::scoped_lock lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

void Loop::accept_some(Listening& listening, int at_most) {
  const std::shared_ptr<const Service> service = listening.service;
  for (int i = 0; i < at_most && listening.socket; ++i) {
    net::SocketAddress remote;
    net::Socket socket(
        ::accept4(listening.socket.descriptor(), remote.get(), &remote.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && out_of_resources(errno)) {
      // Accepting again at once would only fail again.
      ::epoll_ctl(epoll_.descriptor(), EPOLL_CTL_DEL, listening.socket.descriptor(), nullptr);
      listening.paused = true;
      return;
    }
    if (!socket && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (!socket) continue;  // that connection is gone already
    admit(service, std::move(socket), remote);
  }
}

void Loop::admit(const std::shared_ptr<const Service>& service, net::Socket socket, const net::SocketAddress& remote) {
  RelayCounterShard::add(counters_.accepted);
  const bool local = service->settings.listen.is_unix();
  std::string key = local ? "nobody" : remote.host();
  bool may_use = !local;
  if (local) {
    const auto user = net::unix_peer_of(socket.descriptor());
    if (user.ok()) key = "user " + std::to_string(user->uid);
    may_use = user.ok() && is_user(service->settings, user->uid);
  }
  links_.push_back(std::make_unique<Link>(*this, service, std::move(socket), local ? "unix" : remote.to_string()));
  Link& link = *links_.back();
  link.place = links_.size() - 1;
  if (!may_use) return link.refuse(RelayRefusal::kUser, std::move(key));
  Link::Places places;
  places.connection = state_.connections.take(service->limits.connections);
  if (!places.connection) return link.refuse(RelayRefusal::kConnections, {});
  // All of this machine's own clients come from one address.
  if (local || service->settings.direction == ListenerSettings::Direction::kInbound) {
    places.address = state_.addresses.take(key, service->limits.connections_per_address);
    if (!places.address) return link.refuse(RelayRefusal::kAddress, std::move(key));
  }
  places.handshake = state_.handshakes.take(service->limits.handshakes);
  if (!places.handshake) return link.refuse(RelayRefusal::kHandshakes, {});
  link.begin(std::move(places));
}

void Loop::sweep() {
  next_sweep_ = now_ + kSweepInterval;
  for (std::size_t i = links_.size(); i-- > 0;) {
    if (i < links_.size() && links_[i]->deadline() <= now_) links_[i]->expire();
  }
  for (const auto& listening : listeners_) {
    if (listening->paused) watch_listener(*listening);
  }
}

}  // namespace cloister::mesh
