// Threads that answer questions, and a bounded line before them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cloister::worker {

// Any thread may call.
class WorkQueue {
 public:
  WorkQueue(unsigned threads, std::size_t waiting_max);
  // Finishes what has begun, and drops what waits: whoever asked is told that there is no answer.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False when too many wait already.
  bool submit(std::function<void()> task);

 private:
  void run();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cloister::worker
