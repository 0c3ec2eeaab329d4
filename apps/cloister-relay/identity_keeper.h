// The relay's identity while the program runs: followed from PEM files or from a Workload API.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "cloisterd/log.h"
#include "mesh/relay/identity_files.h"
#include "mesh/workload_api/workload_source.h"

namespace cloister::relay {

class IdentityKeeper {
 public:
  // Waits for the first identity. The refusals of IdentityFiles::open() and WorkloadSource::create().
  static Result<std::unique_ptr<IdentityKeeper>> start(const mesh::IdentitySettings& settings, daemon::Log& log,
                                                       net::Clock clock);
  ~IdentityKeeper();
  IdentityKeeper(const IdentityKeeper&) = delete;
  IdentityKeeper& operator=(const IdentityKeeper&) = delete;

  std::shared_ptr<const identity::Source> source() const {
    return files_ ? files_->source() : std::shared_ptr<const identity::Source>(workload_->source());
  }
  std::uint64_t changes() const { return changes_; }
  std::uint64_t failures() const { return failures_; }

 private:
  IdentityKeeper(daemon::Log& log, net::Clock clock) : log_(log), clock_(std::move(clock)) {}
  void run();
  // Says what is new, once: one line for a failure that goes on.
  void look();
  Status poll();

  daemon::Log& log_;
  const net::Clock clock_;
  std::unique_ptr<mesh::IdentityFiles> files_;
  std::unique_ptr<mesh::WorkloadSource> workload_;  // where there are no files
  std::shared_ptr<const identity::Snapshot> seen_;
  std::string last_failure_;
  std::atomic<std::uint64_t> changes_{0}, failures_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cloister::relay
