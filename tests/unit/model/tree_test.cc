#include "model/tree.h"

#include <sys/stat.h>

#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

std::vector<std::string> names_of(const std::vector<TreeFile>& files) {
  std::vector<std::string> out;
  for (const TreeFile& file : files) out.push_back(file.name);
  return out;
}

TEST(ModelTree, ListsInTheOrderOfNames) {
  const ModelFiles model;
  EXPECT_EQ(names_of(value_of(model.tree().list({}))),
            (std::vector<std::string>{"config.json", "weights-b", "weights/a.safetensors"}));
  EXPECT_EQ(model.tree().name(), "llama");
  EXPECT_EQ(value_of(Tree::open(model.path() / ".")).name(), "llama");
}

TEST(ModelTree, HistoryAtTheTopOnly) {
  const ModelFiles model;
  put(model.path() / ".git/config", "x");
  put(model.path() / ".gitignore", "x");
  put(model.path() / "weights/.git/config", "x");
  put(model.path() / "drop/one", "x");
  EXPECT_EQ(names_of(value_of(model.tree().list({{"drop"}, {}}))),
            (std::vector<std::string>{"config.json", "weights-b", "weights/.git/config", "weights/a.safetensors"}));
}

TEST(ModelTree, LinksAreNotFollowed) {
  const ModelFiles model;
  std::filesystem::create_symlink("config.json", model.path() / "link");
  expect_refused(model.tree().list({}), Code::kDenied, "symbolic link");
  EXPECT_TRUE(model.tree().list({{"link"}, {}}).ok());
  expect_refused(model.tree().open_file("link", Symlinks::kRefuse), Code::kDenied, "symbolic link");
  EXPECT_EQ(value_of(model.tree().list({{}, Symlinks::kFollow})).size(), 4U);
  EXPECT_TRUE(model.tree().open_file("link", Symlinks::kFollow).ok());
}

TEST(ModelTree, FolderBehindALink) {
  const ModelFiles model;
  std::filesystem::create_directory_symlink("weights", model.path() / "again");
  expect_refused(model.tree().open_file("again/a.safetensors", Symlinks::kRefuse), Code::kDenied, "symbolic link");
  EXPECT_EQ(value_of(model.tree().list({{}, Symlinks::kFollow})).size(), 4U);
}

TEST(ModelTree, LinkLeadsOut) {
  const ModelFiles model;
  put(model.outside("secret"), "x");
  std::filesystem::create_symlink("../secret", model.path() / "link");
  expect_refused(model.tree().list({{}, Symlinks::kFollow}), Code::kDenied, "leads out");
  expect_refused(model.tree().open_file("link", Symlinks::kFollow), Code::kDenied, "leads out");
}

TEST(ModelTree, LinksInACircle) {
  const ModelFiles model;
  std::filesystem::create_directory_symlink("..", model.path() / "weights/up");
  EXPECT_FALSE(model.tree().list({{}, Symlinks::kFollow}).ok());
  std::filesystem::remove(model.path() / "weights/up");
  std::filesystem::create_directory_symlink(".", model.path() / "weights/up");
  expect_refused(model.tree().list({{}, Symlinks::kFollow}), Code::kInvalid, "deep");
}

TEST(ModelTree, LinksThatLeadToTheSameAgainAndAgain) {
  const ModelFiles model;
  for (int i = 0; i < 20; ++i) {
    const Path folder = model.path() / ("d" + std::to_string(i));
    std::filesystem::create_directory(folder);
    for (const char* name : {"a", "b"}) {
      std::filesystem::create_directory_symlink("../d" + std::to_string(i + 1), folder / name);
    }
  }
  std::filesystem::create_directory(model.path() / "d20");
  expect_refused(model.tree().list({{}, Symlinks::kFollow}), Code::kInvalid, "too many directories");
}

TEST(ModelTree, ListingInterrupted) {
  const ModelFiles model;
  Progress progress;
  EXPECT_EQ(value_of(model.tree().list({}, progress)).size(), 3U);
  progress.request_stop();
  expect_refused(model.tree().list({}, progress), Code::kUnavailable, "interrupted");
}

TEST(ModelTree, PipeIsNotRead) {
  const ModelFiles model;
  ASSERT_EQ(::mkfifo((model.path() / "pipe").c_str(), 0600), 0);
  expect_refused(model.tree().list({}), Code::kDenied, "regular file");
  expect_refused(model.tree().list({{}, Symlinks::kFollow}), Code::kDenied, "regular file");
  expect_refused(model.tree().open_file("pipe", Symlinks::kRefuse), Code::kDenied, "regular file");
}

TEST(ModelTree, NameThatNoSignatureLists) {
  const ModelFiles model;
  put(model.path() / "a\\b", "x");
  expect_refused(model.tree().list({}), Code::kInvalid, "backslash");
}

TEST(ModelTree, OpensNothingOutside) {
  const ModelFiles model;
  put(model.outside("secret"), "x");
  for (const std::string name : {"../secret", "/etc/passwd", "weights/../../secret", ""}) {
    expect_refused(model.tree().open_file(name, Symlinks::kRefuse), Code::kDenied, "leads out");
  }
  expect_refused(model.tree().open_file("none", Symlinks::kRefuse), Code::kNotFound, "none");
  expect_refused(model.tree().open_file("weights-b/x", Symlinks::kRefuse), Code::kNotFound, "no directory");
}

TEST(ModelTree, OneFile) {
  const ModelFiles model;
  const Tree tree = value_of(Tree::open(model.path() / "config.json"));
  EXPECT_TRUE(tree.is_one_file());
  EXPECT_EQ(names_of(value_of(tree.list({}))), std::vector<std::string>{"."});
  std::filesystem::create_symlink("config.json", model.path() / "link");
  expect_refused(Tree::open(model.path() / "link"), Code::kDenied, "symbolic link");
  expect_refused(Tree::open(model.path() / "none"), Code::kNotFound, "none");
}

TEST(ModelTree, FileChangesWhileRead) {
  const ModelFiles model;
  const File file = value_of(model.tree().open_file("weights-b", Symlinks::kRefuse));
  Progress progress;
  const auto write = [&](ByteView) {
    return value_of(File::open(model.path() / "weights-b", File::Access::kReadWrite)).write_at(0, as_bytes("XXXXX"));
  };
  expect_refused(read_steadily(file, 0, 4, progress, write), Code::kUnavailable, "changed");
  const File other = value_of(model.tree().open_file("config.json", Symlinks::kRefuse));
  EXPECT_TRUE(read_steadily(other, 0, 4, progress, [](ByteView) { return ok_status(); }).ok());
  expect_refused(read_steadily(other, 0, 400, progress, [](ByteView) { return ok_status(); }), Code::kCorrupt,
                 "config");
}

TEST(ModelTree, Interrupted) {
  const ModelFiles model;
  Progress progress;
  progress.request_stop();
  const File file = value_of(model.tree().open_file("config.json", Symlinks::kRefuse));
  expect_refused(hash_range(file, 0, 2, progress), Code::kUnavailable, "interrupted");
}

}  // namespace
}  // namespace cloister::model
