// Work that is done again and again on a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace cloister::daemon {

class Ticker {
 public:
  // Returns how long to rest before it is called again.
  using Work = std::function<Duration()>;
  // The first time after `first`. kInternal without a thread.
  static Result<std::unique_ptr<Ticker>> start(Work work, Duration first);
  // Waits for the work under way.
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // Ends the rest. Any thread.
  void wake();

 private:
  explicit Ticker(Work work) : work_(std::move(work)) {}
  void run(Duration rest);

  const Work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cloister::daemon
