#include "seal/locked_file.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {
namespace {

class LockedFileTest : public ::testing::Test {
 protected:
  LockedFileTest() { must(write_file(path_, as_bytes("old"), Overwrite::kRefuse)); }

  testing::TempDir folder_;
  Path path_ = folder_ / "file";
};

TEST_F(LockedFileTest, KeepsOthersOut) {
  const File file = must(File::open(path_));
  must(lock_in_place(file));
  must(lock_in_place(file));
  expect_error(lock_in_place(must(File::open(path_))), Code::kUnavailable, "another process");
}

TEST_F(LockedFileTest, ReplacedMeanwhile) {
  const File file = must(File::open(path_));
  must(write_file(path_, as_bytes("new"), Overwrite::kReplace));
  expect_error(lock_in_place(file), Code::kUnavailable, "was replaced or removed");
  must(lock_in_place(must(File::open(path_))));
}

TEST_F(LockedFileTest, RemovedMeanwhile) {
  const File file = must(File::open(path_));
  std::filesystem::remove(path_);
  expect_error(lock_in_place(file), Code::kUnavailable, "was replaced or removed");
}

TEST_F(LockedFileTest, OpenedToBeLocked) {
  const auto open = [&](File::Access access) { return File::open(path_, access); };
  {
    const File file = must(open_locked(open));
    must(file.write_at(0, as_bytes("new")));  // NFS wants it so
    expect_error(open_locked(open), Code::kUnavailable, "another process");
  }
  const auto read_only = [&](File::Access access) -> Result<File> {
    if (access == File::Access::kReadWrite) return Error(Code::kDenied, "no");
    return open(access);
  };
  must(open_locked(read_only));
  const auto gone = [&](File::Access access) { return File::open(folder_ / "gone", access); };
  expect_error(open_locked(gone), Code::kNotFound, "gone");
}

TEST_F(LockedFileTest, OpenedThroughALink) {
  const Path link = folder_ / "link";
  std::filesystem::create_symlink(path_, link);
  const File file = must(File::open(link));
  must(lock_in_place(file));
  expect_error(lock_in_place(must(File::open(path_))), Code::kUnavailable, "another process");
}

}  // namespace
}  // namespace cloister::seal
