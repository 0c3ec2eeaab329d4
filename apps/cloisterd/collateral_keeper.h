// Keeps the home's collateral at hand for whoever verifies evidence, and has it fetched: ahead of its expiry, and when
// evidence came that needs what isn't there. A vendor's outage takes nothing away that is still valid.
#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>

#include "cloisterd/fetch_budget.h"
#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "home/collateral_wanted.h"
#include "keys/hierarchy.h"

namespace cloister::daemon {

struct CollateralKeeperParts {
  std::function<Result<keys::Hierarchy>()> open_hierarchy;
  Path home;
  std::unique_ptr<home::CollateralFetcher> fetcher;  // null: nothing is fetched, what is imported is used
  Log& log;
  Metrics& metrics;
  net::Clock clock;
  std::string actor;
  std::size_t guests_per_minute = 0;  // FetchBudget
};

class CollateralKeeper {
 public:
  explicit CollateralKeeper(CollateralKeeperParts parts)
      : parts_(std::move(parts)), budget_(parts_.guests_per_minute) {}

  // Never null. Any thread; doesn't wait.
  std::shared_ptr<const attest::Collateral> current() const;
  // What isn't there of it is fetched at the next tick, as far as the caller's budget goes; without a caller it is a
  // guest that nobody knows. What all machines of a product have in common costs nothing. Where two say differently
  // what to ask about a certificate, a caller that is known counts. Any thread; doesn't wait.
  void want(home::Wanted wanted, const std::string& caller);

  // Reads what is kept; what goes wrong is in the log. Before the first tick, so that nobody finds nothing.
  void load() { report(reload()); }
  // Reads it again where somebody changed it, fetches what is due, and returns how long to rest. One thread at a
  // time.
  Duration tick();
  // A tick under way ends after the request that it waits for. Any thread.
  void stop() { stopping_ = true; }

 private:
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  // False where it failed.
  bool report(const Status& status);
  Status reload();
  Status refresh();
  home::Wanted take_wanted();
  Status keep(const home::Fetched& fetched);
  void publish(attest::Collateral collateral);

  CollateralKeeperParts parts_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  const std::shared_ptr<crypto::VerificationCache> verified_ = std::make_shared<crypto::VerificationCache>();
  std::shared_ptr<const attest::Collateral> current_ = std::make_shared<attest::Collateral>();
  home::Wanted wanted_;
  FetchBudget budget_;
  std::map<std::string, Time> not_before_;  // pieces that didn't come, by name and what was asked
  std::optional<Stamp> stamp_;
  std::optional<keys::Hierarchy> hierarchy_;
};

}  // namespace cloister::daemon
