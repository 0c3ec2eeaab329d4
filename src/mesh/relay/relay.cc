#include "mesh/relay/relay.h"

#include <algorithm>

#include "base/parallel.h"
#include "mesh/relay/link.h"
#include "mesh/relay/loop.h"
#include "mesh/relay/sockets.h"

namespace cloister::mesh {
namespace {

constexpr Duration kResolvePatience = seconds(3);
constexpr auto kResolveInterval = std::chrono::seconds(10);
constexpr auto kDrainPoll = std::chrono::milliseconds(20);

bool same_place(const ListenerSettings& a, const ListenerSettings& b) {
  return a.name == b.name && a.listen.to_string() == b.listen.to_string() && a.interception == b.interception;
}

}  // namespace

Relay::Relay() : state_(std::make_unique<RelayState>()) {}

Result<std::unique_ptr<Relay>> Relay::start(const RelayConfig& config, std::shared_ptr<const identity::Source> source,
                                            RelayParts parts) {
  CLOISTER_CHECK(parts.clock && parts.events != nullptr);
  std::unique_ptr<Relay> relay(new Relay());
  relay->state_->clock = std::move(parts.clock);
  relay->state_->events = parts.events;
  relay->state_->receipts = parts.receipts;
  relay->state_->mark = config.mark;
  const unsigned threads = thread_count(config.threads);
  while (relay->loops_.size() < threads) {
    CLOISTER_TRY(auto loop, Loop::start(*relay->state_));
    relay->loops_.push_back(std::move(loop));
  }
  CLOISTER_RETURN_IF_ERROR(relay->reload(config, std::move(source)));
  CLOISTER_TRY(relay->refresher_, start_thread([self = relay.get()] { self->run_refresher(); }));
  return relay;
}

Relay::~Relay() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (refresher_.joinable()) refresher_.join();
  loops_.clear();
}

Status Relay::reload(const RelayConfig& config, std::shared_ptr<const identity::Source> source) {
  CLOISTER_TRY(const RelayIdentity identity,
               relay_identity(std::move(source), config.identity.conformance, state_->clock));
  std::vector<Open> next;
  std::vector<std::vector<net::Socket>> sockets;
  for (const ListenerSettings& settings : config.listeners) {
    CLOISTER_TRY(auto service, make_service(settings, config.limits, identity));
    if (service->targets->has_names()) service->targets->refresh(kResolvePatience);
    const auto stands =
        std::ranges::find_if(open_, [&](const Open& one) { return same_place(one.service->settings, settings); });
    std::vector<net::Socket> own(loops_.size());
    std::uint16_t port = stands == open_.end() ? std::uint16_t{0} : stands->port;
    if (stands == open_.end()) {
      CLOISTER_TRY(own, listen_for_threads(settings, static_cast<unsigned>(loops_.size())).with_context(settings.name));
      if (!settings.listen.is_unix()) port = bound_port(own.front());
    }
    next.push_back({std::move(service), port});
    sockets.push_back(std::move(own));
  }
  // A listener of an old name that listens elsewhere now is another one.
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < next.size(); ++i) {
    if (!sockets[i].front()) kept.push_back(next[i].service->settings.name);
  }
  for (std::size_t thread = 0; thread < loops_.size(); ++thread) {
    loops_[thread]->keep_only(kept);
    for (std::size_t i = 0; i < next.size(); ++i) {
      loops_[thread]->serve(next[i].service, std::move(sockets[i][thread]));
    }
  }
  const std::scoped_lock lock(mutex_);
  open_ = std::move(next);
  return {};
}

Status Relay::drain(Duration patience) {
  for (const auto& loop : loops_) loop->keep_only({});
  const net::Ticks until = net::ticks_now() + patience.ms;
  // Their posted work is done when the counters of all have been seen after it; one round suffices for that.
  std::uint64_t active = 0;
  do {
    std::this_thread::sleep_for(kDrainPoll);
    active = counters().active;
  } while (active != 0 && net::ticks_now() < until);
  for (const auto& loop : loops_) loop->cut(RelayEnd::kDrained);
  if (active == 0) return {};
  return Error(Code::kUnavailable, std::to_string(active) + " connections were cut");
}

RelayCounters Relay::counters() const {
  RelayCounters sum;
  for (const auto& loop : loops_) loop->counters().add_to(sum);
  return sum;
}

Result<std::uint16_t> Relay::port_of(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(open_, [&](const Open& one) { return one.service->settings.name == name; });
  if (found == open_.end()) return Error(Code::kNotFound, "there is no listener " + name);
  return found->port;
}

void Relay::refresh_names() {
  std::vector<std::shared_ptr<const Service>> services;
  {
    const std::scoped_lock lock(mutex_);
    for (const Open& one : open_) services.push_back(one.service);
  }
  for (const auto& service : services) {
    if (service->targets->has_names()) service->targets->refresh(kResolvePatience);
  }
}

void Relay::run_refresher() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kResolveInterval, [this] { return stopping_; })) {
    lock.unlock();
    refresh_names();
    lock.lock();
  }
}

}  // namespace cloister::mesh
