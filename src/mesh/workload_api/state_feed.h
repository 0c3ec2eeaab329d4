// Tells calls that stay open what their caller may have: at once, and again whenever it has changed.
#pragma once

#include <functional>
#include <memory>

#include "crypto/random.h"
#include "mesh/workload_api/workers.h"
#include "mesh/workload_identities.h"

namespace cloister::mesh {

struct FeedOptions {
  Duration jitter{250};         // a change reaches each follower within that time, drawn at random: not all at once
  Duration retry = seconds(2);  // until an established follower's state is asked for again after kUnavailable
};

// Any thread may call. Ends before the workers do; nothing is delivered once both have ended.
class StateFeed {
 public:
  // A state, whole; or why there is none (any more), which is the last that is said. False: no more is wanted. Runs on
  // a worker, for one follower one at a time.
  using Deliver = std::function<bool(const Result<std::shared_ptr<const WorkloadState>>& state)>;

  // Following ends with it. A delivery that has begun may still be under way.
  class Following {
   public:
    virtual ~Following() = default;
  };

  // `identities`, `workers` and `random` outlive the feed.
  StateFeed(WorkloadIdentities& identities, Workers& workers, crypto::Random& random, const FeedOptions& options = {});
  ~StateFeed();
  StateFeed(const StateFeed&) = delete;
  StateFeed& operator=(const StateFeed&) = delete;

  // kUnavailable instead of a first state is delivered like every other refusal; later on it is only a reason to ask
  // again, and what was delivered stays.
  std::unique_ptr<Following> follow(net::UnixPeer caller, Deliver deliver);

 private:
  struct Follower;
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<WorkloadIdentities::Watch> watch_;
};

}  // namespace cloister::mesh
