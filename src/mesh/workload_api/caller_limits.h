// How much one process, and one user of this machine, may ask of the Workload API and its kin.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "net/peer.h"

namespace cloister::mesh {

struct CallerRates {
  double per_second = 0;
  double burst = 0;
  std::uint32_t open = 0;  // calls at once
};

struct CallerLimitsOptions {
  CallerRates process{20, 60, 32};
  CallerRates user{200, 600, 1024};  // pods of one user share it
};

// Any thread may call.
class CallerLimits {
 public:
  // The right to one call; gives its place back when destroyed, from any thread, also after the limits.
  class Permit {
   public:
    virtual ~Permit() = default;
  };

  explicit CallerLimits(const CallerLimitsOptions& options = {});

  // kUnavailable: too many calls lately, by the process or by its user. kDenied: too many open at once; what is asked
  // then costs nothing. A clock that goes back gives nothing.
  Result<std::unique_ptr<Permit>> begin(const net::UnixPeer& caller, Time now);
  // Processes and users remembered: few more than those that were here lately.
  std::size_t size() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cloister::mesh
