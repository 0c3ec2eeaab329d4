#include "cloister-relay/identity_keeper.h"

#include "base/parallel.h"

namespace cloister::relay {
namespace {

constexpr auto kPollInterval = std::chrono::seconds(1);

}  // namespace

Result<std::unique_ptr<IdentityKeeper>> IdentityKeeper::start(const mesh::IdentitySettings& settings, daemon::Log& log,
                                                              net::Clock clock) {
  CLOISTER_TRY(auto files, mesh::IdentityFiles::open(settings, clock()));
  std::unique_ptr<IdentityKeeper> keeper(new IdentityKeeper(std::move(files), log, std::move(clock)));
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
  std::string last_failure;  // said once, not every second
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPollInterval, [this] { return stopping_; })) {
    const auto change = files_->poll(clock_());
    if (!change.ok()) {
      if (change.error().message() == last_failure) continue;
      last_failure = change.error().message();
      ++failures_;
      log_.warning("identity-unusable", {{"error", last_failure}});
    } else if (*change == mesh::IdentityFiles::Change::kReplaced) {
      last_failure.clear();
      ++changes_;
      const auto snapshot = files_->source()->current();
      log_.info("identity-replaced",
                {{"id", snapshot->svid().id().uri()}, {"expires", to_rfc3339(snapshot->not_after())}});
    }
  }
}

}  // namespace cloister::relay
