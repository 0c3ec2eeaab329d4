// Threads for what needs a store: each has a hierarchy of its own. What waits for them is bounded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "keys/hierarchy.h"

namespace cloister::service {

// Any thread may call.
class WorkerPool {
 public:
  using Task = std::function<void(keys::Hierarchy& hierarchy)>;

  static Result<std::unique_ptr<WorkerPool>> start(unsigned threads, std::size_t waiting_max,
                                                   const std::function<Result<keys::Hierarchy>()>& open_hierarchy);
  // Does what waits.
  ~WorkerPool();

  // False when too many wait already.
  bool submit(Task task);
  // Takes no more, does what waits, and ends the threads.
  void stop();
  std::size_t waiting() const;

 private:
  explicit WorkerPool(std::size_t waiting_max) : waiting_max_(waiting_max) {}
  void run(keys::Hierarchy& hierarchy);

  const std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  bool stopping_ = false;
  std::vector<keys::Hierarchy> hierarchies_;
  std::vector<std::thread> threads_;
};

}  // namespace cloister::service
