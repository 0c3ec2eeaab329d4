// Goes through a directory tree on several threads without ever following a link, leaving it, or waiting for a pipe;
// bounded in depth and number, in memory by one batch of names a thread and the names of directories still to come.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/progress.h"

namespace cloister::posture::content {

struct WalkOptions {
  unsigned threads = 1;
  unsigned depth_max = 256;
  std::uint64_t entries_max = 50'000'000;
  Progress* progress = nullptr;             // not null
  std::vector<std::string> leave_out = {};  // directories below the root, by relative name: other locations
};

// Up to kBatchMax names of one directory that are regular files, or may be.
inline constexpr std::size_t kBatchMax = 256;
struct FileBatch {
  std::shared_ptr<const File> directory;
  std::string folder;              // relative to the root, "" for itself
  std::vector<std::string> names;  // in the directory's order
};

struct WalkReport {
  std::uint64_t directories = 0;
  std::uint64_t links = 0;       // symbolic ones: never followed
  std::uint64_t special = 0;     // pipes, sockets, devices
  std::uint64_t unreadable = 0;  // directories
  std::map<std::string, std::uint64_t>
      skipped;                        // what wasn't gone into, and why: a bound, a loop, a kernel's file system
  std::vector<std::string> problems;  // the first of them, each "name: why"
  bool stopped = false;

  // True where everything was gone through that could hold data.
  bool complete() const { return unreadable == 0 && skipped.empty() && !stopped; }
};

// Called by any thread.
using BatchVisitor = std::function<void(const FileBatch& batch)>;

// Fails only where the root can't be opened as a directory.
Result<WalkReport> walk_tree(const Path& root, const WalkOptions& options, const BatchVisitor& visit);

// A directory by its name relative to `root`, "" for itself: one name after the other, so that no link that was put
// there meanwhile is followed.
Result<File> open_beneath(const File& root, const std::string& folder);

// For reading, without changing its access time where that is allowed, never following a link and never waiting.
// kInvalid for a link, else the codes of error_from_errno().
Result<File> open_regular(int directory, const std::string& name);

}  // namespace cloister::posture::content
