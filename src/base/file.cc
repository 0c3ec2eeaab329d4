#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace cloister {
namespace {

Error failed(const char* doing, const Path& path) { return error_from_errno(errno, doing + (" " + path.string())); }

Path parent_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

}  // namespace

Result<File> File::open(const Path& path, Access access) {
  const int flags = (access == Access::kRead ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0) return failed("open", path);
  return File(descriptor, path, Owned::kYes);
}

Result<File> File::create_new(const Path& path, mode_t mode) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0) return failed("create", path);
  return File(descriptor, path, Owned::kYes);
}

Result<File> File::open_directory(const Path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open", path);
  return File(descriptor, path, Owned::kYes);
}

File File::from_descriptor(int descriptor, Path name, Owned owned) { return File(descriptor, std::move(name), owned); }

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), owned_(other.owned_) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  if (descriptor_ >= 0 && owned_ == Owned::kYes) ::close(descriptor_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  path_ = std::move(other.path_);
  owned_ = other.owned_;
  return *this;
}

File::~File() {
  if (descriptor_ >= 0 && owned_ == Owned::kYes) ::close(descriptor_);
}

Result<std::uint64_t> File::size() const {
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0) return failed("look at", path_);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<bool> File::is_regular() const {
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0) return failed("look at", path_);
  return S_ISREG(info.st_mode);
}

Status File::read_at(std::uint64_t offset, MutableByteView out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return failed("read", path_);
    }
    if (count == 0) {
      return Error(Code::kCorrupt, "read " + path_.string() + ": the file ends at byte " +
                                       std::to_string(offset + done) + ", " + std::to_string(out.size() - done) +
                                       " bytes early");
    }
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<std::size_t> File::read_some(MutableByteView out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(descriptor_, out.data() + done, out.size() - done);
    if (count < 0) {
      if (errno == EINTR) continue;
      return failed("read", path_);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Status File::write_at(std::uint64_t offset, ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return failed("write", path_);
    }
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status File::write_all(ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return failed("write", path_);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status File::truncate(std::uint64_t size) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failed("truncate", path_);
  return {};
}

Status File::sync() const {
  if (::fdatasync(descriptor_) != 0) return failed("sync", path_);
  return {};
}

Status File::lock_exclusive() const {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return Error(Code::kUnavailable, "lock " + path_.string() + ": another process is writing it");
  }
  return failed("lock", path_);
}

Status File::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor < 0 || owned_ == Owned::kNo) return {};
  if (::close(descriptor) != 0 && errno != EINTR) return failed("close", path_);
  return {};
}

FileReplacement::FileReplacement(File file, Path temporary, Path target, Overwrite overwrite)
    : file_(std::move(file)), temporary_(std::move(temporary)), target_(std::move(target)), overwrite_(overwrite) {}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : file_(std::move(other.file_)),
      temporary_(std::exchange(other.temporary_, Path())),
      target_(std::move(other.target_)),
      overwrite_(other.overwrite_) {
  other.file_.reset();
}

FileReplacement::~FileReplacement() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<FileReplacement> FileReplacement::begin(const Path& target, Overwrite overwrite, mode_t mode) {
  struct stat info{};
  if (::lstat(target.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Error(Code::kInvalid, "write " + target.string() + ": it is a directory");
    if (overwrite == Overwrite::kRefuse) {
      return Error(Code::kExists, "write " + target.string() + ": it exists already");
    }
  }
  // A file name has at most 255 bytes, and the temporary's is longer than the target's.
  std::string name = target.filename().string();
  if (name.size() > 200) {
    std::size_t end = 200;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name.resize(end);
  }
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Path temporary =
        parent_of(target) / ("." + name + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
    auto file = File::create_new(temporary, mode);
    if (file.ok()) return FileReplacement(std::move(file).value(), temporary, target, overwrite);
    if (file.error().code() != Code::kExists) return file.error().with_context("write " + target.string());
  }
  return Error(Code::kInternal, "write " + target.string() + ": no free temporary name beside it");
}

namespace {

// False, with errno, where the name is taken (EEXIST) or can't be given. Not every file system knows the first way, nor
// every one hard links.
bool name_if_free(const Path& temporary, const Path& target) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return false;
  if (::link(temporary.c_str(), target.c_str()) != 0) return false;
  ::unlink(temporary.c_str());
  return true;
}

}  // namespace

Status FileReplacement::commit(Durable durable) {
  if (durable == Durable::kYes) CLOISTER_RETURN_IF_ERROR(file_->sync());
  if (overwrite_ == Overwrite::kRefuse) return commit_new(durable);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return failed("name", target_);
  temporary_.clear();
  if (durable == Durable::kYes) CLOISTER_RETURN_IF_ERROR(sync_directory(parent_of(target_)));
  return file_->close();
}

Status FileReplacement::commit_new(Durable durable) {
  struct stat written{};
  if (::fstat(file_->descriptor(), &written) != 0) return failed("look at", temporary_);
  if (!name_if_free(temporary_, target_)) {
    if (errno == EEXIST) return Error(Code::kExists, "write " + target_.string() + ": it appeared meanwhile");
    return failed("name", target_);
  }
  temporary_.clear();
  Status settled = durable == Durable::kYes ? sync_directory(parent_of(target_)) : ok_status();
  if (settled.ok()) settled = file_->close();
  if (settled.ok()) return {};
  // Taken back, unless somebody has put another file there since.
  struct stat now{};
  const bool ours = ::lstat(target_.c_str(), &now) == 0 && now.st_dev == written.st_dev && now.st_ino == written.st_ino;
  if (ours) ::unlink(target_.c_str());
  return settled;
}

Result<Bytes> read_file(const Path& path, std::uint64_t size_max) {
  CLOISTER_TRY(const File file, File::open(path));
  return read_rest(file, size_max);
}

Result<Bytes> read_rest(const File& file, std::uint64_t size_max) {
  Bytes bytes;
  Bytes piece(64 * 1024);
  for (;;) {
    CLOISTER_TRY(const std::size_t count, file.read_some(piece));
    if (bytes.size() + count > size_max) {
      return Error(Code::kInvalid,
                   "read " + file.path().string() + ": it is larger than " + std::to_string(size_max) + " bytes");
    }
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    if (count < piece.size()) return bytes;
  }
}

Status write_file(const Path& path, ByteView bytes, Overwrite overwrite, mode_t mode) {
  CLOISTER_TRY(auto replacement, FileReplacement::begin(path, overwrite, mode));
  CLOISTER_RETURN_IF_ERROR(replacement.file().write_all(bytes));
  return replacement.commit();
}

Status sync_directory(const Path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open", directory);
  const int result = ::fsync(descriptor);
  const int error_number = errno;
  ::close(descriptor);
  if (result != 0) return error_from_errno(error_number, "sync " + directory.string());
  return {};
}

mode_t current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

Status create_directories(const Path& directory, mode_t mode) {
  if (directory.empty()) return {};
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return {};
  // "Not there" is an answer as well; what can't be looked at is not.
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    return error_from_errno(error.value(), "look at " + directory.string());
  }
  CLOISTER_RETURN_IF_ERROR(create_directories(directory.parent_path(), mode));
  if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) return failed("create", directory);
  return {};
}

Status check_guarded(const File& file, Guard guard) {
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return failed("look at", file.path());
  const std::string name = file.path().string();
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error(Code::kDenied, name + " belongs to another user (uid " + std::to_string(info.st_uid) + ")");
  }
  if (guard == Guard::kSecret && (info.st_mode & 077) != 0) {
    return Error(Code::kDenied, "others than its owner may use " + name + ": chmod 600 it, and consider it known");
  }
  if ((info.st_mode & 022) != 0) {
    return Error(Code::kDenied, "others than its owner may write to " + name + ": chmod go-w it");
  }
  return {};
}

}  // namespace cloister
