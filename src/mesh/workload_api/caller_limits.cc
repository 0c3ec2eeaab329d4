#include "mesh/workload_api/caller_limits.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

constexpr std::size_t kSweepAt = 1024;

// Tokens that refill, and calls that are open.
struct Account {
  double tokens = 0;
  Time filled;
  std::uint32_t open = 0;
};

void refill(Account& account, const CallerRates& rates, Time now) {
  if (now <= account.filled) return;
  const double gained = static_cast<double>((now - account.filled).ms) / 1000 * rates.per_second;
  account.tokens = std::min(rates.burst, account.tokens + gained);
  account.filled = now;
}

class Accounts {
 public:
  explicit Accounts(const CallerRates& rates) : rates_(rates) {}

  Account& of(std::uint32_t id, Time now) {
    if (all_.size() >= sweep_at_) sweep(now);
    const auto [at, added] = all_.try_emplace(id, Account{rates_.burst, now, 0});
    if (!added) refill(at->second, rates_, now);
    return at->second;
  }
  void close(std::uint32_t id) {
    const auto at = all_.find(id);
    if (at != all_.end()) --at->second.open;
  }
  const CallerRates& rates() const { return rates_; }
  std::size_t size() const { return all_.size(); }

 private:
  // An account without open calls whose tokens are all there again is as good as none.
  void sweep(Time now) {
    for (auto at = all_.begin(); at != all_.end();) {
      refill(at->second, rates_, now);
      const bool idle = at->second.open == 0 && at->second.tokens >= rates_.burst;
      at = idle ? all_.erase(at) : std::next(at);
    }
    sweep_at_ = std::max(kSweepAt, 2 * all_.size());
  }

  const CallerRates rates_;
  std::unordered_map<std::uint32_t, Account> all_;
  std::size_t sweep_at_ = kSweepAt;
};

}  // namespace

struct CallerLimits::Shared {
  explicit Shared(const CallerLimitsOptions& options) : processes(options.process), users(options.user) {}
  mutable std::mutex mutex;
  Accounts processes, users;
};

CallerLimits::CallerLimits(const CallerLimitsOptions& options) : shared_(std::make_shared<Shared>(options)) {}

Result<std::unique_ptr<CallerLimits::Permit>> CallerLimits::begin(const net::UnixPeer& caller, Time now) {
  class Held final : public Permit {
   public:
    Held(std::shared_ptr<Shared> shared, std::uint32_t process, std::uint32_t user)
        : shared_(std::move(shared)), process_(process), user_(user) {}
    ~Held() override {
      const std::lock_guard lock(shared_->mutex);
      shared_->processes.close(process_);
      shared_->users.close(user_);
    }

   private:
    std::shared_ptr<Shared> shared_;
    std::uint32_t process_, user_;
  };
  const auto process = static_cast<std::uint32_t>(caller.pid);
  const auto user = static_cast<std::uint32_t>(caller.uid);
  const std::lock_guard lock(shared_->mutex);
  Account& own = shared_->processes.of(process, now);
  Account& all = shared_->users.of(user, now);
  if (own.open >= shared_->processes.rates().open) return Error(Code::kDenied, "this process has too many calls open");
  if (all.open >= shared_->users.rates().open) return Error(Code::kDenied, "this user has too many calls open");
  if (own.tokens < 1) return Error(Code::kUnavailable, "this process calls too often");
  if (all.tokens < 1) return Error(Code::kUnavailable, "this user calls too often");
  own.tokens -= 1;
  all.tokens -= 1;
  ++own.open;
  ++all.open;
  return std::unique_ptr<Permit>(std::make_unique<Held>(shared_, process, user));
}

std::size_t CallerLimits::size() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->processes.size() + shared_->users.size();
}

}  // namespace cloister::mesh
