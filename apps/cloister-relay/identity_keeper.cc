#include "cloister-relay/identity_keeper.h"

#include "base/parallel.h"

namespace cloister::relay {
namespace {

constexpr auto kPollInterval = std::chrono::seconds(1);
constexpr Duration kFirstPatience = seconds(60);

Result<std::unique_ptr<mesh::WorkloadSource>> follow(const mesh::IdentitySettings& settings, net::Clock clock) {
  mesh::WorkloadSourceOptions options;
  CLOISTER_TRY(options.endpoint, mesh::parse_workload_endpoint(settings.workload_api));
  options.server_user = settings.workload_api_user;
  options.conformance = settings.conformance;
  options.clock = std::move(clock);
  return mesh::WorkloadSource::create(std::move(options), kFirstPatience);
}

}  // namespace

Result<std::unique_ptr<IdentityKeeper>> IdentityKeeper::start(const mesh::IdentitySettings& settings, daemon::Log& log,
                                                              net::Clock clock) {
  std::unique_ptr<IdentityKeeper> keeper(new IdentityKeeper(log, std::move(clock)));
  if (settings.workload_api.empty()) {
    CLOISTER_TRY(keeper->files_, mesh::IdentityFiles::open(settings, keeper->clock_()));
  } else {
    CLOISTER_TRY(keeper->workload_, follow(settings, keeper->clock_));
  }
  keeper->seen_ = keeper->source()->current();
  CLOISTER_TRY(keeper->thread_, start_thread([self = keeper.get()] { self->run(); }));
  return keeper;
}

IdentityKeeper::~IdentityKeeper() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void IdentityKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPollInterval, [this] { return stopping_; })) look();
}

Status IdentityKeeper::poll() {
  if (files_) {
    const auto change = files_->poll(clock_());
    return change.ok() ? Status() : Status(change.error());
  }
  const mesh::WorkloadHealth health = workload_->health();
  if (health.state == mesh::WorkloadHealth::State::kFollowing) return {};
  return Error(Code::kUnavailable, health.detail);
}

void IdentityKeeper::look() {
  const Status polled = poll();
  const std::string failure = polled.ok() ? "" : polled.error().message();
  if (!failure.empty() && failure != last_failure_) {
    ++failures_;
    log_.warning("identity-not-renewed", {{"error", failure}});
  }
  last_failure_ = failure;
  auto snapshot = source()->current();
  if (snapshot == seen_) return;
  seen_ = std::move(snapshot);
  ++changes_;
  log_.info("identity-replaced", {{"id", seen_->svid().id().uri()}, {"expires", to_rfc3339(seen_->not_after())}});
}

}  // namespace cloister::relay
