// The files of a model as they lie there: listed without following anybody's links, opened from the folder that was
// listed, and hashed through the descriptor that is read.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/hash.h"

namespace cloister::model {

inline constexpr std::size_t kTreeDepthMax = 64;
inline constexpr std::size_t kTreeFoldersMax = 32'768;

enum class Symlinks { kRefuse, kFollow };

// Left out wherever a model is signed: its history, not the model.
std::span<const std::string_view> always_ignored();

struct TreeRules {
  std::vector<std::string> ignored;  // with all that lies below
  Symlinks symlinks = Symlinks::kRefuse;
};

struct TreeFile {
  std::string name;
  std::uint64_t size = 0;
};

// A directory, or one file. Moves, doesn't copy. Any number of threads may read at once.
class Tree {
 public:
  // kDenied when the model is a file behind a symbolic link.
  static Result<Tree> open(const Path& model);

  bool is_one_file() const { return one_file_; }
  const std::string& name() const { return name_; }  // of the directory or the file itself, whatever led to it
  // Resolved; "" below it for what lies outside.
  const Path& path() const { return path_; }
  std::string name_inside(const Path& path) const;

  // By name, the one file as ".". kDenied for symbolic links that aren't allowed or lead out of the model, and for
  // pipes, sockets and devices; kInvalid for names that no signature can list, and for more than kResourcesMax files,
  // kTreeFoldersMax directories (each as often as links lead to it) or kTreeDepthMax levels.
  Result<std::vector<TreeFile>> list(const TreeRules& rules) const;
  // The same; kUnavailable when somebody asks to stop.
  Result<std::vector<TreeFile>> list(const TreeRules& rules, const Progress& progress) const;
  // A regular file. kNotFound; kDenied as above.
  Result<File> open_file(const std::string& name, Symlinks symlinks) const;

 private:
  Tree(File root, Path path, bool one_file);

  File root_;
  Path path_;
  std::string name_;
  bool one_file_;
};

// Bytes from `start` to `end` in pieces of at most a mebibyte to `sink`. kUnavailable when the file changes meanwhile
// or somebody asks to stop; kCorrupt when it ends before.
using PieceSink = std::function<Status(ByteView piece)>;
Status read_steadily(const File& file, std::uint64_t start, std::uint64_t end, Progress& progress,
                     const PieceSink& sink);
Result<crypto::Sha256Digest> hash_range(const File& file, std::uint64_t start, std::uint64_t end, Progress& progress);

}  // namespace cloister::model
