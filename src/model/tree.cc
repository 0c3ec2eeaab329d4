#include "model/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "model/name.h"
#include "model/statement.h"

namespace cloister::model {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
// Without O_NONBLOCK a named pipe would keep us waiting.
constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Error no_link(const std::string& name) {
  return Error(Code::kDenied, name + " is a symbolic link, and those aren't allowed");
}

Result<struct stat> look_at(const File& file) {
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + file.path().string());
  return info;
}

// Where a descriptor really leads. The kernel's word, so that nothing can be put in its way afterwards.
Result<Path> real_path(const File& file) {
  std::error_code failed;
  Path path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file.descriptor()), failed);
  if (failed) return error_from_errno(failed.value(), "find out where " + file.path().string() + " leads");
  return path;
}

Result<File> open_below(const File& folder, const std::string& name, int flags, const Path& path) {
  const int descriptor = ::openat(folder.descriptor(), name.c_str(), kFlags | flags);
  if (descriptor >= 0) return File::from_descriptor(descriptor, path, File::Owned::kYes);
  if (errno == ELOOP) return no_link(path.string());
  if (errno == ENOTDIR) return Error(Code::kNotFound, "open " + path.string() + ": no directory is on the way");
  if (errno == ENXIO) return Error(Code::kDenied, path.string() + " is a pipe, a socket or a device");
  return error_from_errno(errno, "open " + path.string());
}

class Walk {
 public:
  Walk(const File& root, const Path& path, const TreeRules& rules, const Progress& progress)
      : root_(root), path_(path), rules_(rules), progress_(progress) {}

  Result<std::vector<TreeFile>> run() && {
    CLOISTER_TRY(real_root_, real_path(root_));
    CLOISTER_RETURN_IF_ERROR(enter(root_, "", 0));
    std::ranges::sort(files_, {}, &TreeFile::name);
    return std::move(files_);
  }

 private:
  bool is_ignored(const std::string& name) const {
    const auto covers = [&](std::string_view path) { return is_below(name, path); };
    return std::ranges::any_of(always_ignored(), covers) || std::ranges::any_of(rules_.ignored, covers);
  }

  Status enter(const File& folder, const std::string& prefix, std::size_t depth) {
    if (depth > kTreeDepthMax) return Error(Code::kInvalid, "list " + path_.string() + ": it is too deep");
    // Links can lead to the same folders again and again.
    if (folders_++ == kTreeFoldersMax) {
      return Error(Code::kInvalid, "list " + path_.string() + ": too many directories");
    }
    const int descriptor = ::openat(folder.descriptor(), ".", kFlags | O_DIRECTORY);
    if (descriptor < 0) return error_from_errno(errno, "list " + folder.path().string());
    const Directory directory(::fdopendir(descriptor));
    if (directory == nullptr) {
      const int error_number = errno;
      ::close(descriptor);
      return error_from_errno(error_number, "list " + folder.path().string());
    }
    while (true) {
      if (progress_.stop_requested()) return Error(Code::kUnavailable, "interrupted");
      errno = 0;
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string own = entry->d_name;
      if (own == "." || own == ".." || is_ignored(prefix + own)) continue;
      CLOISTER_RETURN_IF_ERROR(add(folder, own, prefix + own, depth));
    }
    if (errno != 0) return error_from_errno(errno, "list " + folder.path().string());
    return {};
  }

  Status add(const File& folder, const std::string& own, const std::string& name, std::size_t depth) {
    if (!is_safe_name(name)) {
      return Error(Code::kInvalid, "list " + path_.string() + ": a name in " + folder.path().string() +
                                       " isn't plain UTF-8 without a backslash, so no signature can list it");
    }
    const bool follow = rules_.symlinks == Symlinks::kFollow;
    // Where a link leads is looked at before anything is opened there: opening some devices moves them.
    CLOISTER_TRY(const File file, open_below(folder, own, follow ? O_PATH : O_NOFOLLOW, path_ / name));
    CLOISTER_TRY(const struct stat info, look_at(file));
    if (follow) CLOISTER_RETURN_IF_ERROR(check_inside(file));
    if (S_ISDIR(info.st_mode)) return enter(file, name + "/", depth + 1);
    if (!S_ISREG(info.st_mode)) return Error(Code::kDenied, file.path().string() + " is no regular file");
    if (files_.size() == kResourcesMax) return Error(Code::kInvalid, "list " + path_.string() + ": too many files");
    files_.push_back({name, static_cast<std::uint64_t>(info.st_size)});
    return {};
  }

  Status check_inside(const File& file) const {
    CLOISTER_TRY(const Path real, real_path(file));
    if (is_below(real.string(), real_root_.string())) return {};
    return Error(Code::kDenied, file.path().string() + " is a symbolic link that leads out of the model");
  }

  const File& root_;
  const Path& path_;
  const TreeRules& rules_;
  const Progress& progress_;
  Path real_root_;
  std::size_t folders_ = 0;
  std::vector<TreeFile> files_;
};

}  // namespace

std::span<const std::string_view> always_ignored() {
  static constexpr std::string_view kIgnored[] = {".git", ".gitattributes", ".github", ".gitignore"};
  return kIgnored;
}

Tree::Tree(File root, Path path, bool one_file)
    : root_(std::move(root)), path_(std::move(path)), name_(path_.filename().string()), one_file_(one_file) {}

Result<Tree> Tree::open(const Path& model) {
  std::error_code failed;
  const Path resolved = std::filesystem::canonical(model, failed);
  if (failed) return error_from_errno(failed.value(), "open " + model.string());
  // The resolved path has no link at its end, but what is there now may be another thing.
  const int descriptor = ::open(resolved.c_str(), kFlags | O_NOFOLLOW);
  if (descriptor < 0 && errno == ELOOP) return no_link(model.string());
  if (descriptor < 0) return error_from_errno(errno, "open " + model.string());
  File root = File::from_descriptor(descriptor, model, File::Owned::kYes);
  CLOISTER_TRY(const struct stat info, look_at(root));
  if (S_ISDIR(info.st_mode)) return Tree(std::move(root), resolved, false);
  if (!S_ISREG(info.st_mode)) return Error(Code::kDenied, model.string() + " is neither a directory nor a file");
  if (std::filesystem::is_symlink(model, failed)) return no_link(model.string());
  return Tree(std::move(root), resolved, true);
}

std::string Tree::name_inside(const Path& path) const {
  std::error_code failed;
  const Path resolved = std::filesystem::weakly_canonical(path, failed);
  if (failed || one_file_ || !is_below(resolved.string(), path_.string()) || resolved == path_) return "";
  return resolved.lexically_relative(path_).generic_string();
}

Result<std::vector<TreeFile>> Tree::list(const TreeRules& rules) const { return list(rules, Progress()); }

Result<std::vector<TreeFile>> Tree::list(const TreeRules& rules, const Progress& progress) const {
  if (!one_file_) return Walk(root_, root_.path(), rules, progress).run();
  CLOISTER_TRY(const std::uint64_t size, root_.size());
  return std::vector<TreeFile>{{std::string(kOnlyFile), size}};
}

Result<File> Tree::open_file(const std::string& name, Symlinks symlinks) const {
  const Path path = one_file_ ? root_.path() : root_.path() / name;
  int descriptor = ::dup(root_.descriptor());
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  File at = File::from_descriptor(descriptor, root_.path(), File::Owned::kYes);
  if (!one_file_) {
    if (!is_safe_name(name)) return Error(Code::kDenied, "open " + path.string() + ": the name leads out of the model");
    const int flags = symlinks == Symlinks::kFollow ? 0 : O_NOFOLLOW;
    for (std::size_t start = 0; start <= name.size();) {
      const std::size_t slash = std::min(name.find('/', start), name.size());
      auto next = open_below(at, name.substr(start, slash - start), flags, path);
      if (!next.ok()) return next.error();
      at = std::move(next).value();
      start = slash + 1;
    }
  }
  CLOISTER_TRY(const struct stat info, look_at(at));
  if (!S_ISREG(info.st_mode)) return Error(Code::kDenied, path.string() + " is no regular file");
  if (symlinks == Symlinks::kRefuse || one_file_) return at;
  CLOISTER_TRY(const Path real, real_path(at));
  CLOISTER_TRY(const Path root, real_path(root_));
  if (is_below(real.string(), root.string())) return at;
  return Error(Code::kDenied, path.string() + " is a symbolic link that leads out of the model");
}

Status read_steadily(const File& file, std::uint64_t start, std::uint64_t end, Progress& progress,
                     const PieceSink& sink) {
  CLOISTER_TRY(const struct stat before, look_at(file));
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - start)));
  for (std::uint64_t at = start; at < end;) {
    if (progress.stop_requested()) return Error(Code::kUnavailable, "interrupted");
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - at));
    const MutableByteView part = MutableByteView(piece).first(size);
    CLOISTER_RETURN_IF_ERROR(file.read_at(at, part));
    CLOISTER_RETURN_IF_ERROR(sink(part));
    progress.add(size);
    at += size;
  }
  CLOISTER_TRY(const struct stat after, look_at(file));
  const auto same_time = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  if (before.st_size != after.st_size || !same_time(before.st_mtim, after.st_mtim) ||
      !same_time(before.st_ctim, after.st_ctim)) {
    return Error(Code::kUnavailable, file.path().string() + " changed while it was read");
  }
  return {};
}

Result<crypto::Sha256Digest> hash_range(const File& file, std::uint64_t start, std::uint64_t end, Progress& progress) {
  crypto::Sha256 hash;
  CLOISTER_RETURN_IF_ERROR(read_steadily(file, start, end, progress, [&](ByteView piece) {
    hash.update(piece);
    return ok_status();
  }));
  return hash.finish();
}

}  // namespace cloister::model
