#include "service/worker_pool.h"

namespace cloister::service {

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(unsigned threads, std::size_t waiting_max,
                                                      const std::function<Result<keys::Hierarchy>()>& open_hierarchy) {
  std::unique_ptr<WorkerPool> pool(new WorkerPool(waiting_max));
  for (unsigned i = 0; i < threads; ++i) {
    CLOISTER_TRY(keys::Hierarchy hierarchy, open_hierarchy());
    pool->hierarchies_.push_back(std::move(hierarchy));
  }
  for (keys::Hierarchy& hierarchy : pool->hierarchies_) {
    pool->threads_.emplace_back([&pool = *pool, &hierarchy] { pool.run(hierarchy); });
  }
  return pool;
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= waiting_max_) return false;
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t WorkerPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void WorkerPool::run(keys::Hierarchy& hierarchy) {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task(hierarchy);
  }
}

}  // namespace cloister::service
