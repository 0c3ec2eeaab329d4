// Writes the records of uses and refusals: many at once, in one transaction, so that a durable log costs each of them
// little. docs/decisions/service-recording.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "keys/store.h"

namespace cloister::service {

struct RecorderOptions {
  std::size_t waiting_max = 8192;
  std::size_t at_once_max = 256;
};

// A thread of its own with a store of its own. Any thread may call.
class Recorder {
 public:
  // Called on the recorder's thread once the record is durable: it must not wait. Nothing: a row seen was changed
  // since, and there is no record. An Error: the log couldn't be written.
  using Done = std::function<void(const Result<std::optional<keys::Recorded>>&)>;

  static Result<std::unique_ptr<Recorder>> start(const std::function<Result<keys::Store>()>& open_store,
                                                 RecorderOptions options);
  // Writes what waits.
  ~Recorder();

  // False, and `done` is never called, when too many wait already.
  bool submit(keys::Use use, Done done);

  std::size_t waiting() const;
  std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  std::uint64_t records() const { return records_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    keys::Use use;
    Done done;
  };
  Recorder(keys::Store store, RecorderOptions options);
  void run();
  void commit(std::vector<Entry> entries);

  keys::Store store_;
  const RecorderOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Entry> waiting_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> commits_{0}, records_{0};
  std::thread thread_;
};

}  // namespace cloister::service
