#include "mesh/workload_api/workers.h"

#include "base/parallel.h"

namespace cloister::mesh {

Result<std::unique_ptr<Workers>> Workers::start(unsigned threads, std::size_t waiting_max) {
  std::unique_ptr<Workers> workers(new Workers(waiting_max));
  for (unsigned i = 0; i < threads; ++i) {
    CLOISTER_TRY(std::thread thread, start_thread([all = workers.get()] { all->run(); }));
    workers->threads_.push_back(std::move(thread));
  }
  return workers;
}

Workers::~Workers() { stop(); }

bool Workers::submit(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= waiting_max_) return false;
  waiting_.push_back(std::move(task));
  wake_.notify_one();
  return true;
}

void Workers::submit_later(Task task, Duration delay) {
  const Moment due = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay.ms);
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  later_.emplace(due, std::move(task));
  wake_.notify_one();
}

void Workers::stop() {
  std::deque<Task> dropped;
  std::multimap<Moment, Task> dropped_later;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
    dropped_later.swap(later_);
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// What is due goes first: it has waited longer. Empty when it is time to end.
Workers::Task Workers::next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopping_) return nullptr;
    if (!later_.empty() && later_.begin()->first <= std::chrono::steady_clock::now()) {
      Task task = std::move(later_.begin()->second);
      later_.erase(later_.begin());
      if (!later_.empty()) wake_.notify_one();  // somebody has to look after the next one
      return task;
    }
    if (!waiting_.empty()) {
      Task task = std::move(waiting_.front());
      waiting_.pop_front();
      return task;
    }
    if (later_.empty()) {
      wake_.wait(lock);
    } else {
      const Moment due = later_.begin()->first;  // what it stands in may be gone when this wakes
      wake_.wait_until(lock, due);
    }
  }
}

void Workers::run() {
  while (const Task task = next()) task();
}

}  // namespace cloister::mesh
