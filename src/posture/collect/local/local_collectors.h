// This machine's storage and what bytes come to rest in on the side, read from /proc, /sys and /etc. Nothing is
// written, no program is run.
#pragma once

#include "posture/collect/local/block_walk.h"
#include "posture/collector.h"

namespace cloister::posture {

struct LocalOptions {
  Path root = "/";          // SystemTree has what that is for
  std::string host;         // what its facts are about; empty: the name in /proc/sys/kernel/hostname
  bool find_mounts = true;  // mounted file systems that nobody declared are found
  AskFscrypt ask_fscrypt = ask_kernel_for_fscrypt;
};

// `storage.encryption` for every declared location with a file: address, by the disk, volume or file system that it
// lies on, and those that are mounted below it. One that isn't there is said to be absent; one that can't be looked at
// is not assessed.
class LocalStorageCollector final : public Collector {
 public:
  explicit LocalStorageCollector(LocalOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "local-storage/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  LocalOptions options_;
};

// `transient.persistence` of the machine: swap, hibernation, core dumps, and the folders for temporary files. And
// `inventory.seen` for mounted file systems, but those of the system itself (/boot, /usr, …) and those in memory.
class LocalHostCollector final : public Collector {
 public:
  explicit LocalHostCollector(LocalOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "local-host/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  LocalOptions options_;
};

// "uid 1000, /": what a collector of this process could have seen.
std::string local_scope(const LocalOptions& options);
// Names of declared keys.
std::set<std::string> declared_key_names(const Estate& estate);

}  // namespace cloister::posture
