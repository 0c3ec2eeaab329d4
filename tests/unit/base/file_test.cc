#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::TempDir;

std::string text_of(const Path& path) {
  const auto bytes = read_file(path, 1 << 20);
  return bytes.ok() ? std::string(as_text(*bytes)) : bytes.error().message();
}

std::size_t entries(const Path& folder) {
  const auto all = std::filesystem::directory_iterator(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(File, WritesAndReadsAtAPosition) {
  const TempDir folder;
  auto file = File::create_new(folder / "a", 0600);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->write_at(3, as_bytes("def")).ok());
  EXPECT_TRUE(file->write_at(0, as_bytes("abc")).ok());
  EXPECT_EQ(file->size().value(), 6U);
  EXPECT_TRUE(file->is_regular().value());
  Bytes middle(2);
  EXPECT_TRUE(file->read_at(2, middle).ok());
  EXPECT_EQ(as_text(middle), "cd");
  EXPECT_TRUE(file->truncate(2).ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_TRUE(file->close().ok());
  EXPECT_EQ(text_of(folder / "a"), "ab");
}

TEST(File, ReadPastTheEndIsCorrupt) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", as_bytes("abc"), Overwrite::kRefuse).ok());
  const auto file = File::open(folder / "a");
  Bytes out(4);
  const Status status = file->read_at(0, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kCorrupt);
  EXPECT_NE(status.error().message().find((folder / "a").string()), std::string::npos);
  EXPECT_EQ(file->read_some(out).value(), 3U);
  EXPECT_EQ(file->read_some(out).value(), 0U);
}

TEST(File, SaysWhatIsMissingOrThere) {
  const TempDir folder;
  EXPECT_EQ(File::open(folder / "none").error().code(), Code::kNotFound);
  ASSERT_TRUE(write_file(folder / "a", {}, Overwrite::kRefuse).ok());
  EXPECT_EQ(File::create_new(folder / "a").error().code(), Code::kExists);
  EXPECT_EQ(read_file(folder / "none", 10).error().code(), Code::kNotFound);
}

TEST(File, ReadFileHoldsItsLimit) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", Bytes(100'000, 'x'), Overwrite::kRefuse).ok());
  EXPECT_EQ(read_file(folder / "a", 100'000)->size(), 100'000U);
  EXPECT_EQ(read_file(folder / "a", 99'999).error().code(), Code::kInvalid);
}

TEST(File, LocksOutASecondWriter) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", {}, Overwrite::kRefuse).ok());
  const auto first = File::open(folder / "a", File::Access::kReadWrite);
  {
    const auto second = File::open(folder / "a", File::Access::kReadWrite);
    EXPECT_TRUE(first->lock_exclusive().ok());
    EXPECT_EQ(second->lock_exclusive().error().code(), Code::kUnavailable);
  }
}

TEST(File, ClosesOnlyWhatItOwns) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const File borrowed = File::from_descriptor(ends[1], "pipe", File::Owned::kNo);
    EXPECT_FALSE(borrowed.is_regular().value());
  }
  EXPECT_EQ(::write(ends[1], "x", 1), 1) << "still open";
  {
    File owned = File::from_descriptor(ends[1], "pipe", File::Owned::kYes);
    const File moved = std::move(owned);
  }
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  ::close(ends[0]);
}

TEST(FileReplacement, AppearsOnlyWhenCommitted) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", as_bytes("old"), Overwrite::kRefuse).ok());
  {
    auto replacement = FileReplacement::begin(folder / "a", Overwrite::kReplace);
    ASSERT_TRUE(replacement->file().write_all(as_bytes("new")).ok());
    EXPECT_EQ(text_of(folder / "a"), "old");
    EXPECT_EQ(entries(folder.path()), 2U);
    FileReplacement moved = std::move(replacement).value();
    ASSERT_TRUE(moved.commit().ok());
  }
  EXPECT_EQ(text_of(folder / "a"), "new");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(FileReplacement, LongestNamesThereAre) {
  const TempDir folder;
  std::string accents = "a";
  while (accents.size() < 255) accents += "\xC3\xA9";
  for (const std::string& name : {std::string(255, 'n'), accents}) {
    ASSERT_TRUE(write_file(folder / name, as_bytes("text"), Overwrite::kRefuse).ok()) << name;
    EXPECT_TRUE(read_file(folder / name, 100).ok());
  }
}

TEST(FileReplacement, AbandonedLeavesNothing) {
  const TempDir folder;
  {
    auto replacement = FileReplacement::begin(folder / "a", Overwrite::kRefuse);
    ASSERT_TRUE(replacement->file().write_all(as_bytes("half")).ok());
  }
  EXPECT_EQ(entries(folder.path()), 0U);
}

TEST(FileReplacement, RefusesWhatIsThere) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", as_bytes("old"), Overwrite::kRefuse).ok());
  EXPECT_EQ(FileReplacement::begin(folder / "a", Overwrite::kRefuse).error().code(), Code::kExists);
  EXPECT_EQ(write_file(folder / "a", as_bytes("new"), Overwrite::kRefuse).error().code(), Code::kExists);
  EXPECT_EQ(text_of(folder / "a"), "old");
}

TEST(FileReplacement, RefusesWhatAppearedMeanwhile) {
  const TempDir folder;
  {
    auto replacement = FileReplacement::begin(folder / "a", Overwrite::kRefuse);
    ASSERT_TRUE(replacement.ok());
    ASSERT_TRUE(write_file(folder / "a", as_bytes("rival"), Overwrite::kRefuse).ok());
    EXPECT_EQ(replacement->commit().error().code(), Code::kExists);
  }
  EXPECT_EQ(text_of(folder / "a"), "rival");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(FileReplacement, RefusesAFolderAndAMissingParent) {
  const TempDir folder;
  EXPECT_EQ(FileReplacement::begin(folder.path(), Overwrite::kReplace).error().code(), Code::kInvalid);
  EXPECT_EQ(FileReplacement::begin(folder / "no/a", Overwrite::kReplace).error().code(), Code::kNotFound);
}

TEST(FileReplacement, KeepsTheModeAskedFor) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "key", as_bytes("k"), Overwrite::kRefuse, 0600).ok());
  struct stat info{};
  ASSERT_EQ(::stat((folder / "key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(Folders, AreMadeWithTheirParents) {
  const TempDir folder;
  EXPECT_TRUE(cloister::create_directories(folder / "a/b/c").ok());
  EXPECT_TRUE(cloister::create_directories(folder / "a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/c"));
  ASSERT_TRUE(write_file(folder / "file", {}, Overwrite::kRefuse).ok());
  EXPECT_FALSE(cloister::create_directories(folder / "file/x").ok());
  EXPECT_FALSE(sync_directory(folder / "file").ok());
}

TEST(Folders, WhatCannotBeLookedAtIsSaid) {
  const TempDir folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_EQ(cloister::create_directories(folder / "loop/x").error().code(), Code::kInvalid);
  const std::string long_name(300, 'x');
  EXPECT_EQ(cloister::create_directories(folder / long_name / "x").error().code(), Code::kInvalid);
  EXPECT_EQ(File::open_directory(folder / "none").error().code(), Code::kNotFound);
  ASSERT_TRUE(write_file(folder / "file", {}, Overwrite::kRefuse).ok());
  EXPECT_EQ(File::open_directory(folder / "file").error().code(), Code::kNotFound);
}

TEST(Folders, OneLockAtATime) {
  const TempDir folder;
  auto first = File::open_directory(folder.path());
  const auto second = File::open_directory(folder.path());
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->lock_exclusive().ok());
  EXPECT_EQ(second->lock_exclusive().error().code(), Code::kUnavailable);
  ASSERT_TRUE(first->close().ok());
  EXPECT_TRUE(second->lock_exclusive().ok());
}

TEST(Guards, WhatOthersMayDo) {
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", as_bytes("x"), Overwrite::kRefuse).ok());
  const auto file = File::open(folder / "a");
  ASSERT_TRUE(file.ok());
  for (const mode_t mode : {0600, 0400, 0700}) {
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    EXPECT_TRUE(check_guarded(*file, Guard::kSecret).ok());
    EXPECT_TRUE(check_guarded(*file, Guard::kUnwritten).ok());
  }
  for (const mode_t mode : {0640, 0604, 0610, 0601}) {
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    EXPECT_EQ(check_guarded(*file, Guard::kSecret).error().code(), Code::kDenied);
    EXPECT_TRUE(check_guarded(*file, Guard::kUnwritten).ok());
  }
  for (const mode_t mode : {0620, 0602, 0666}) {
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    EXPECT_EQ(check_guarded(*file, Guard::kSecret).error().code(), Code::kDenied);
    EXPECT_EQ(check_guarded(*file, Guard::kUnwritten).error().code(), Code::kDenied);
  }
}

TEST(Guards, AnotherUsersFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const TempDir folder;
  ASSERT_TRUE(write_file(folder / "a", as_bytes("x"), Overwrite::kRefuse, 0600).ok());
  ASSERT_EQ(::chown((folder / "a").c_str(), 65534, 65534), 0);
  const auto file = File::open(folder / "a");
  EXPECT_EQ(check_guarded(*file, Guard::kUnwritten).error().code(), Code::kDenied);
  EXPECT_EQ(check_guarded(*file, Guard::kSecret).error().code(), Code::kDenied);
}

}  // namespace
}  // namespace cloister
