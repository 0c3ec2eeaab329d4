#include "mesh/workload_api/state_feed.h"

#include <list>

namespace cloister::mesh {

// One caller. Either nothing is to be done for it, or one task is waiting, or one is running and perhaps another waits.
struct StateFeed::Follower {
  Follower(net::UnixPeer who, Deliver what) : caller(std::move(who)), deliver(std::move(what)) {}

  const net::UnixPeer caller;
  const Deliver deliver;
  bool established = false;  // the running task's

  std::mutex mutex;
  bool waiting = false;
  bool running = false;
  bool again = false;
  bool over = false;
};

struct StateFeed::Shared : std::enable_shared_from_this<Shared> {
  Shared(WorkloadIdentities& from, Workers& by, crypto::Random& drawn, const FeedOptions& how)
      : identities(from), workers(by), random(drawn), options(how) {}

  Duration drawn_delay() {
    if (options.jitter.ms <= 0) return Duration{0};
    const auto bytes = crypto::random_array<8>(random);
    return Duration{static_cast<std::int64_t>(load_le<std::uint64_t>(bytes.data()) %
                                              static_cast<std::uint64_t>(options.jitter.ms + 1))};
  }

  void schedule(const std::shared_ptr<Follower>& follower, Duration delay) {
    {
      const std::lock_guard lock(follower->mutex);
      if (follower->waiting || follower->over) return;
      follower->waiting = true;
    }
    workers.submit_later(
        [self = weak_from_this(), weak = std::weak_ptr(follower)] {
          const auto shared = self.lock();
          const auto one = weak.lock();
          if (shared && one) shared->run(one);
        },
        delay);
  }

  // `waiting` falls before the state is asked for: a change from then on asks again.
  void run(const std::shared_ptr<Follower>& follower) {
    {
      const std::lock_guard lock(follower->mutex);
      follower->waiting = false;
      if (follower->over) return;
      if (follower->running) {
        follower->again = true;
        return;
      }
      follower->running = true;
    }
    const auto state = identities.state_of(follower->caller);
    const bool retry = !state.ok() && state.error().code() == Code::kUnavailable && follower->established;
    const bool over = !retry && (!follower->deliver(state) || !state.ok());
    if (state.ok()) follower->established = true;
    bool again = false;
    {
      const std::lock_guard lock(follower->mutex);
      follower->running = false;
      follower->over = follower->over || over;
      again = std::exchange(follower->again, false);
    }
    if (again || retry) schedule(follower, again ? Duration{0} : options.retry);
  }

  void changed() {
    std::vector<std::shared_ptr<Follower>> all;
    {
      const std::lock_guard lock(mutex);
      for (const auto& weak : followers) {
        if (auto follower = weak.lock()) all.push_back(std::move(follower));
      }
    }
    for (const auto& follower : all) schedule(follower, drawn_delay());
  }

  WorkloadIdentities& identities;
  Workers& workers;
  crypto::Random& random;
  const FeedOptions options;
  std::mutex mutex;
  std::list<std::weak_ptr<Follower>> followers;
};

StateFeed::StateFeed(WorkloadIdentities& identities, Workers& workers, crypto::Random& random,
                     const FeedOptions& options)
    : shared_(std::make_shared<Shared>(identities, workers, random, options)),
      watch_(identities.watch([weak = std::weak_ptr(shared_)] {
        if (const auto shared = weak.lock()) shared->changed();
      })) {}

StateFeed::~StateFeed() { watch_.reset(); }

std::unique_ptr<StateFeed::Following> StateFeed::follow(net::UnixPeer caller, Deliver deliver) {
  class Held final : public Following {
   public:
    Held(std::shared_ptr<Shared> shared, std::shared_ptr<Follower> follower)
        : shared_(shared), follower_(std::move(follower)) {
      const std::lock_guard lock(shared->mutex);
      place_ = shared->followers.insert(shared->followers.end(), follower_);
    }
    ~Held() override {
      {
        const std::lock_guard lock(follower_->mutex);
        follower_->over = true;
      }
      const auto shared = shared_.lock();
      if (shared == nullptr) return;
      const std::lock_guard lock(shared->mutex);
      shared->followers.erase(place_);
    }

   private:
    std::weak_ptr<Shared> shared_;
    std::shared_ptr<Follower> follower_;
    std::list<std::weak_ptr<Follower>>::iterator place_;
  };
  const auto follower = std::make_shared<Follower>(std::move(caller), std::move(deliver));
  auto held = std::make_unique<Held>(shared_, follower);
  shared_->schedule(follower, Duration{0});
  return held;
}

}  // namespace cloister::mesh
