#include "cloisterd/ticker.h"

#include <chrono>

#include "base/parallel.h"

namespace cloister::daemon {

Result<std::unique_ptr<Ticker>> Ticker::start(Work work, Duration first) {
  std::unique_ptr<Ticker> ticker(new Ticker(std::move(work)));
  CLOISTER_TRY(ticker->thread_, start_thread([self = ticker.get(), first] { self->run(first); }));
  return ticker;
}

Ticker::~Ticker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Ticker::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void Ticker::run(Duration rest) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, std::chrono::milliseconds(rest.ms), [this] { return stopping_ || woken_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    rest = work_();
    lock.lock();
  }
}

}  // namespace cloister::daemon
