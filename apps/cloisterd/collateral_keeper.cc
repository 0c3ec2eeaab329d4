#include "cloisterd/collateral_keeper.h"

#include <algorithm>

#include "attest/collateral/merge.h"
#include "attest/collateral/refresh.h"
#include "home/collateral_cache.h"

namespace cloister::daemon {
namespace {

constexpr Duration kRest = seconds(1);  // a key that was endorsed or withdrawn counts, or not, from then on
constexpr Duration kRestAfterFailure = seconds(10);
constexpr Duration kAgain = minutes(5);       // a vendor that didn't answer
constexpr Duration kAgainRefused = hours(1);  // one that has no such piece
constexpr std::size_t kWantedMax = 256;
constexpr std::size_t kFailuresMax = 4096;
constexpr auto kNvidiaOcsp = attest::CollateralKind::kNvidiaOcsp;

// Few, whoever asks: by product or kind. All others have keys that evidence makes up as it likes.
bool is_common(attest::CollateralKind kind) {
  using enum attest::CollateralKind;
  return kind == kIntelQeIdentity || kind == kIntelCrl || kind == kAmdChain || kind == kAmdCrl;
}

}  // namespace

std::shared_ptr<const attest::Collateral> CollateralKeeper::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void CollateralKeeper::want(home::Wanted wanted, const std::string& caller) {
  const std::lock_guard lock(mutex_);
  if (!parts_.fetcher) return;
  const auto is_wanted = [this](const attest::CollateralNeed& need) {
    return std::ranges::count(wanted_.needs, need) != 0;
  };
  std::erase_if(wanted.needs, [&](const attest::CollateralNeed& need) {
    return current_->find(need.kind, need.key) != nullptr || is_wanted(need);
  });
  const auto costs = [](const attest::CollateralNeed& need) { return !is_common(need.kind); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(wanted.needs, costs));
  // Nothing is spent on what there is no room for.
  const std::size_t room = kWantedMax - wanted_.needs.size();
  std::size_t left = budget_.take(caller, std::min(count, room), parts_.clock());
  if (left < count) parts_.metrics.collateral_not_asked.fetch_add(count - left);
  std::erase_if(wanted.needs, [&](const attest::CollateralNeed& need) {
    if (!costs(need)) return false;
    if (left == 0) return true;
    --left;
    return false;
  });
  if (wanted.needs.size() > room) wanted.needs.resize(room);
  auto& requests = wanted.hints.ocsp_requests;
  // By serial number alone, which evidence makes up: a guest mustn't say what is asked about a known caller's machine.
  std::erase_if(requests, [&](const auto& request) {
    const attest::CollateralNeed need{kNvidiaOcsp, request.first};
    return std::ranges::count(wanted.needs, need) == 0 && !is_wanted(need);
  });
  if (!caller.empty()) {
    for (const auto& [serial, request] : requests) wanted_.hints.ocsp_requests.insert_or_assign(serial, request);
  }
  wanted_.add(std::move(wanted));
}

bool CollateralKeeper::report(const Status& status) {
  if (status.ok()) return true;
  parts_.metrics.collateral_failures.fetch_add(1);
  parts_.log.error("collateral-failed", {{"error", status.error().message()}});
  hierarchy_.reset();
  return false;
}

Duration CollateralKeeper::tick() {
  const bool well = report(reload()) && report(refresh());
  return well ? kRest : kRestAfterFailure;
}

// What somebody imported, or another server of this home fetched.
Status CollateralKeeper::reload() {
  const Path file = home::collateral_path(parts_.home);
  std::error_code failure;
  Stamp stamp;
  stamp.written = std::filesystem::last_write_time(file, failure);
  if (!failure) stamp.size = std::filesystem::file_size(file, failure);
  if (failure) stamp = {};
  if (stamp_ == stamp) return {};
  if (!hierarchy_) {
    CLOISTER_TRY(hierarchy_, parts_.open_hierarchy());
  }
  CLOISTER_TRY(attest::CollateralBundle bundle, home::read_collateral(parts_.home, *hierarchy_));
  parts_.log.info("collateral-read", {{"items", std::uint64_t{bundle.collateral.items().size()}}});
  publish(std::move(bundle.collateral));
  stamp_ = stamp;
  return {};
}

home::Wanted CollateralKeeper::take_wanted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wanted_, {});
}

Status CollateralKeeper::refresh() {
  if (!parts_.fetcher) return {};
  const Time now = parts_.clock();
  const auto kept = current();
  home::Wanted wanted = take_wanted();
  wanted.needs = attest::plan_refresh(*kept, wanted.needs, now, {}).now;
  std::erase_if(not_before_, [now](const auto& entry) { return entry.second <= now; });
  // A request that a guest made up and that was refused says nothing of what another asks about that serial number.
  const auto name_of = [requests = wanted.hints.ocsp_requests](const attest::CollateralNeed& need) {
    const auto request = requests.find(need.key);
    if (need.kind != kNvidiaOcsp || request == requests.end()) return need.name();
    return need.name() + " " + to_hex(crypto::sha256(request->second));
  };
  std::erase_if(wanted.needs, [&](const attest::CollateralNeed& need) { return not_before_.contains(name_of(need)); });
  if (wanted.needs.empty()) return {};
  const home::Fetched fetched =
      home::fetch_wanted(*parts_.fetcher, std::move(wanted), *kept, [this] { return !stopping_.load(); });
  for (const home::Fetched::Failure& failure : fetched.failures) {
    const bool later = failure.error.code() == Code::kUnavailable;
    if (not_before_.size() < kFailuresMax) not_before_[name_of(failure.need)] = now + (later ? kAgain : kAgainRefused);
    parts_.metrics.collateral_failures.fetch_add(1);
    parts_.log.warning("collateral-not-fetched", {{"name", failure.need.name()}, {"error", failure.error.message()}});
  }
  return fetched.collateral.items().empty() ? Status() : keep(fetched);
}

Status CollateralKeeper::keep(const home::Fetched& fetched) {
  const Time now = parts_.clock();
  if (!hierarchy_) {
    CLOISTER_TRY(hierarchy_, parts_.open_hierarchy());
  }
  const std::uint64_t count = fetched.collateral.items().size();
  CLOISTER_RETURN_IF_ERROR(
      hierarchy_->store().record({{now, parts_.actor, "collateral.fetch", "", "collateral", audit::Outcome::kAllowed,
                                   std::to_string(count) + (count == 1 ? " piece" : " pieces")},
                                  {}}));
  attest::Collateral all;
  CLOISTER_RETURN_IF_ERROR(
      home::update_collateral(parts_.home, *hierarchy_, now, [&](attest::CollateralBundle& bundle) -> Status {
        // A mirror that is behind isn't asked again at every tick.
        for (const std::string& name : attest::merge(bundle.collateral, fetched.collateral).older) {
          not_before_[name] = now + kAgainRefused;
          parts_.log.warning("collateral-older", {{"name", name}});
        }
        all = bundle.collateral;
        return {};
      }));
  parts_.metrics.collateral_fetched.fetch_add(count);
  parts_.log.info("collateral-fetched", {{"items", count}});
  publish(std::move(all));
  return {};
}

void CollateralKeeper::publish(attest::Collateral collateral) {
  // The next one has most of what this one has.
  collateral.remember_in(verified_);
  auto next = std::make_shared<const attest::Collateral>(std::move(collateral));
  const std::lock_guard lock(mutex_);
  current_ = std::move(next);
}

}  // namespace cloister::daemon
