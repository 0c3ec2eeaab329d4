// How long each step of asking a key service may take: no longer than its lease lets the worker wait.
#pragma once

#include <atomic>
#include <functional>
#include <limits>

#include "base/clock.h"

namespace cloister::worker {

// Any thread may call.
class Patience {
 public:
  // `step`: the most for one step.
  Patience(Duration step, std::function<Time()> clock) : step_(step), clock_(std::move(clock)) {}

  // For the next step. kUnavailable: there is no time left.
  Result<Duration> left() const;
  Time now() const { return clock_(); }

  // No step lasts beyond that.
  void end_at(Time end) { end_ms_ = end.unix_ms; }
  void lift() { end_ms_ = kNever; }
  // For good: no further step begins.
  void give_up() { given_up_ = true; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  const Duration step_;
  const std::function<Time()> clock_;
  std::atomic<std::int64_t> end_ms_ = kNever;
  std::atomic<bool> given_up_ = false;
};

}  // namespace cloister::worker
