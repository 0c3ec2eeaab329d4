#include "posture/collect/content/walker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <set>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture::content {
namespace {

namespace fs = std::filesystem;

class Walked {
 public:
  explicit Walked(const Path& root, unsigned threads = 1, std::vector<std::string> leave_out = {},
                  unsigned depth_max = 256, std::uint64_t entries_max = 1'000'000) {
    WalkOptions options{.threads = threads,
                        .depth_max = depth_max,
                        .entries_max = entries_max,
                        .progress = &progress,
                        .leave_out = std::move(leave_out)};
    report = testing::value_of(walk_tree(root, options, [this](const FileBatch& batch) {
      const std::lock_guard lock(mutex);
      for (const std::string& name : batch.names) names.insert(batch.folder + "/" + name);
      batches_max = std::max(batches_max, batch.names.size());
    }));
  }

  std::mutex mutex;
  Progress progress;
  std::set<std::string> names;
  std::size_t batches_max = 0;
  WalkReport report;
};

// Not synced: there are many.
void touch(const Path& path) { std::ofstream(path) << "x"; }

TEST(Walker, EveryFileOnceOnAnyNumberOfThreads) {
  testing::TempDir root;
  for (int i = 0; i < 40; ++i) {
    const Path folder = root.path() / ("d" + std::to_string(i % 7)) / std::to_string(i);
    fs::create_directories(folder);
    for (int j = 0; j < 30; ++j) touch(folder / std::to_string(j));
  }
  for (const unsigned threads : {1U, 4U}) {
    const Walked walked(root.path(), threads);
    EXPECT_EQ(walked.names.size(), 1200U);
    EXPECT_TRUE(walked.report.complete());
    EXPECT_EQ(walked.report.directories, 48U);
  }
}

TEST(Walker, OneLargeDirectoryIsSharedInBatches) {
  testing::TempDir root;
  for (int j = 0; j < 1000; ++j) touch(root.path() / std::to_string(j));
  const Walked walked(root.path(), 2);
  EXPECT_EQ(walked.names.size(), 1000U);
  EXPECT_LE(walked.batches_max, kBatchMax);
}

TEST(Walker, AFolderIsOpenedWithoutFollowingLinks) {
  testing::TempDir root, other;
  fs::create_directories(root.path() / "a" / "b");
  fs::create_directory(other.path() / "b");
  fs::create_directory_symlink(other.path(), root.path() / "away");
  const File directory = testing::value_of(File::open_directory(root.path()));
  EXPECT_TRUE(open_beneath(directory, "").ok());
  EXPECT_TRUE(open_beneath(directory, "a/b").ok());
  EXPECT_FALSE(open_beneath(directory, "away").ok());
  EXPECT_FALSE(open_beneath(directory, "away/b").ok());
}

TEST(Walker, LinksAreCountedAndNeverFollowed) {
  testing::TempDir root, other;
  touch(other.path() / "secret");
  fs::create_directory_symlink(other.path(), root.path() / "away");
  fs::create_directory_symlink(root.path(), root.path() / "loop");
  fs::create_symlink(other.path() / "secret", root.path() / "file");
  ASSERT_EQ(::mkfifo((root.path() / "pipe").c_str(), 0600), 0);
  const Walked walked(root.path());
  EXPECT_TRUE(walked.names.empty());
  EXPECT_EQ(walked.report.links, 3U);
  EXPECT_EQ(walked.report.special, 1U);
  EXPECT_TRUE(walked.report.complete());
}

TEST(Walker, DepthAndNumberAreBoundedAndSaidSo) {
  testing::TempDir root;
  Path deep = root.path();
  for (int i = 0; i < 20; ++i) deep /= "d";
  fs::create_directories(deep);
  touch(deep / "far");
  const Walked shallow(root.path(), 1, {}, 5);
  EXPECT_TRUE(shallow.names.empty());
  EXPECT_FALSE(shallow.report.complete());
  EXPECT_EQ(shallow.report.skipped.at("nested too deep"), 1U);
  for (int i = 0; i < 600; ++i) touch(root.path() / std::to_string(i));
  const Walked few(root.path(), 2, {}, 256, 300);
  EXPECT_LE(few.names.size(), 300U);
  EXPECT_FALSE(few.report.complete());
}

TEST(Walker, ALocationWithinAnotherIsLeftOut) {
  testing::TempDir root;
  fs::create_directories(root.path() / "a" / "public");
  touch(root.path() / "a" / "public" / "x");
  touch(root.path() / "a" / "y");
  const Walked walked(root.path(), 1, {"a/public"});
  EXPECT_EQ(walked.names, std::set<std::string>{"a/y"});
  EXPECT_TRUE(walked.report.complete());
}

// Files are opened as somebody without rights, on this thread alone.
class AsNobody {
 public:
  AsNobody() {
    ::setfsgid(65534);
    ::setfsuid(65534);
  }
  ~AsNobody() {
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
  }
};

TEST(Walker, WhatCannotBeReadIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  testing::TempDir root;
  fs::permissions(root.path(), fs::perms::all);
  fs::create_directory(root.path() / "closed");
  fs::permissions(root.path() / "closed", fs::perms::owner_all);
  touch(root.path() / "open");
  fs::permissions(root.path() / "open", fs::perms::owner_read | fs::perms::others_read);
  touch(root.path() / "shut");
  fs::permissions(root.path() / "shut", fs::perms::owner_read);
  const File folder = testing::value_of(File::open_directory(root.path()));
  const AsNobody nobody;
  const Walked walked(root.path());
  EXPECT_EQ(walked.report.unreadable, 1U);
  EXPECT_FALSE(walked.report.complete());
  EXPECT_EQ(walked.names.size(), 2U);
  // Its access time can't be kept by somebody else: it is read all the same.
  EXPECT_TRUE(open_regular(folder.descriptor(), "open").ok());
  testing::expect_refused(open_regular(folder.descriptor(), "shut"), Code::kDenied, "open");
}

TEST(Walker, ReadingLeavesTheAccessTimeAlone) {
  testing::TempDir root;
  touch(root.path() / "x");
  const timespec old[2] = {{1000, 0}, {2000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root.path() / "x").c_str(), old, 0), 0);
  const File folder = testing::value_of(File::open_directory(root.path()));
  Bytes byte(1);
  ASSERT_TRUE(testing::value_of(open_regular(folder.descriptor(), "x")).read_at(0, byte).ok());
  struct stat info{};
  ASSERT_EQ(::stat((root.path() / "x").c_str(), &info), 0);
  EXPECT_EQ(info.st_atim.tv_sec, 1000);
}

TEST(Walker, AStopEndsItSoonAndUnwhole) {
  testing::TempDir root;
  for (int i = 0; i < 50; ++i) {
    fs::create_directory(root.path() / std::to_string(i));
    touch(root.path() / std::to_string(i) / "x");
  }
  Progress progress;
  std::size_t seen = 0;
  const auto report = testing::value_of(walk_tree(root.path(), {.progress = &progress}, [&](const FileBatch&) {
    ++seen;
    progress.request_stop();
  }));
  EXPECT_EQ(seen, 1U);
  EXPECT_TRUE(report.stopped);
  EXPECT_FALSE(report.complete());
}

TEST(Walker, NoDirectoryIsAnError) {
  testing::TempDir root;
  Progress progress;
  testing::expect_refused(walk_tree(root.path() / "none", {.progress = &progress}, [](const FileBatch&) {}),
                          Code::kNotFound, "none");
}

TEST(Walker, TheKernelsFileSystemsHoldNothing) {
  if (!fs::exists("/proc/self")) GTEST_SKIP() << "no /proc";
  const Walked walked("/proc");
  EXPECT_TRUE(walked.names.empty());
  EXPECT_FALSE(walked.report.complete());
}

}  // namespace
}  // namespace cloister::posture::content
