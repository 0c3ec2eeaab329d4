// Does what is due: KEKs past their rotation period, KEK versions whose wait for destruction is over, and
// both of managed keys. Several servers
// may run one; each thing is done by one of them.
#pragma once

#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "keys/hierarchy.h"
#include "net/tls.h"
#include "service/managed_keys.h"

namespace cloister::daemon {

struct SchedulerParts {
  std::function<Result<keys::Hierarchy>()> open_hierarchy;
  Log& log;
  Metrics& metrics;
  net::Clock clock;
  crypto::Random& random;
  std::string actor;
  Duration check_every;
  Duration jitter;  // up to so much is added to each rest, so that servers don't all look at once
  std::shared_ptr<const service::ManagedKeys> managed_keys =
      {};  // rotated and destroyed in time too, where there are any
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerParts parts) : parts_(std::move(parts)) {}
  // Returns how long to rest. One thread at a time.
  Duration tick();
  Duration rest();

 private:
  Status work(const keys::Caller& caller);
  Status do_managed_keys(const keys::Caller& caller);
  Status destroy_due(const keys::Caller& caller);

  SchedulerParts parts_;
  std::optional<keys::Hierarchy> hierarchy_;
};

}  // namespace cloister::daemon
