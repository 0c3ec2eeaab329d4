// Threads for what callers wait for: the kernel, the store and the authority are asked here, never on an I/O thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cloister::mesh {

// Any thread may call. Outlives everything that submits to it.
class Workers {
 public:
  using Task = std::function<void()>;

  // kInternal when the system has no more threads.
  static Result<std::unique_ptr<Workers>> start(unsigned threads, std::size_t waiting_max);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False when `waiting_max` tasks wait already, or after stop().
  bool submit(Task task);
  // Never refused before stop(): for callers that have one at a time, and are themselves bounded.
  void submit_later(Task task, Duration delay);
  // Waits for what is being done, and drops what isn't begun.
  void stop();

 private:
  using Moment = std::chrono::steady_clock::time_point;

  explicit Workers(std::size_t waiting_max) : waiting_max_(waiting_max) {}
  void run();
  Task next();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  std::multimap<Moment, Task> later_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cloister::mesh
