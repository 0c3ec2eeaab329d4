#include "service/recorder.h"

namespace cloister::service {
Result<std::unique_ptr<Recorder>> Recorder::start(const std::function<Result<keys::Store>()>& open_store,
                                                  RecorderOptions options) {
  CLOISTER_TRY(keys::Store store, open_store());
  return std::unique_ptr<Recorder>(new Recorder(std::move(store), options));
}

Recorder::Recorder(keys::Store store, RecorderOptions options) : store_(std::move(store)), options_(options) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Recorder::submit(keys::Use use, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.waiting_max) return false;
    waiting_.push_back({std::move(use), std::move(done)});
    if (waiting_.size() > 1) return true;  // whoever came first has woken it
  }
  wake_.notify_one();
  return true;
}

std::size_t Recorder::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void Recorder::run() {
  while (true) {
    std::vector<Entry> entries;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::size_t count = std::min(waiting_.size(), options_.at_once_max);
      entries.reserve(count);
      for (std::size_t i = 0; i < count; ++i) {
        entries.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    commit(std::move(entries));
  }
}

// While one transaction is made durable the next one's records gather: nobody waits for company.
void Recorder::commit(std::vector<Entry> entries) {
  std::vector<keys::Use> uses;
  uses.reserve(entries.size());
  for (Entry& entry : entries) uses.push_back(std::move(entry.use));
  const auto recorded = store_.record_uses(uses);
  commits_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!recorded.ok()) {
      entries[i].done(recorded.error());
      continue;
    }
    const std::optional<keys::Recorded>& one = recorded.value()[i];
    if (one) records_.fetch_add(1, std::memory_order_relaxed);
    entries[i].done(one);
  }
}

}  // namespace cloister::service
