// Files: whole reads and writes, durable replacement, locks. Every error names the path.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace cloister {

using Path = std::filesystem::path;

// An open descriptor and the path to name in errors. Moves, doesn't copy; closes when destroyed.
// Positioned reads and writes may be called from several threads at once.
class File {
 public:
  enum class Access { kRead, kReadWrite };

  static Result<File> open(const Path& path, Access access = Access::kRead);
  // kExists when something is there already.
  static Result<File> create_new(const Path& path, mode_t mode = 0644);
  // To lock, sync or look at; kNotFound when it is no directory.
  static Result<File> open_directory(const Path& path);
  // Takes over `descriptor`, or leaves it open for its owner when `owned` is kNo (standard input and output).
  enum class Owned { kYes, kNo };
  static File from_descriptor(int descriptor, Path name, Owned owned);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  int descriptor() const { return descriptor_; }
  const Path& path() const { return path_; }

  Result<std::uint64_t> size() const;
  // True for a regular file (or block device): positioned access works and the size is known.
  Result<bool> is_regular() const;

  // Exactly out.size() bytes at `offset`; kCorrupt when the file ends before.
  Status read_at(std::uint64_t offset, MutableByteView out) const;
  // Up to out.size() bytes from the current position; fewer only at the end of input.
  Result<std::size_t> read_some(MutableByteView out) const;
  Status write_at(std::uint64_t offset, ByteView bytes) const;
  Status write_all(ByteView bytes) const;
  Status truncate(std::uint64_t size) const;
  // fdatasync: the bytes and the size survive a power cut.
  Status sync() const;
  // Non-blocking exclusive advisory lock for the life of the descriptor; kUnavailable when somebody else holds it.
  Status lock_exclusive() const;
  // Closes and reports a late write error.
  Status close();

 private:
  File(int descriptor, Path path, Owned owned) : descriptor_(descriptor), path_(std::move(path)), owned_(owned) {}

  int descriptor_ = -1;
  Path path_;
  Owned owned_ = Owned::kYes;
};

enum class Overwrite { kRefuse, kReplace };

// A file written aside, under a temporary name in the target's folder, and put under its final name by commit(): file
// synced, renamed, folder synced. Destroyed without commit(), it removes the temporary and the target is untouched.
class FileReplacement {
 public:
  // kExists at once when the target exists and `overwrite` is kRefuse; commit() checks again, atomically.
  static Result<FileReplacement> begin(const Path& target, Overwrite overwrite, mode_t mode = 0644);

  FileReplacement(FileReplacement&&) noexcept;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();

  File& file() { return *file_; }
  const Path& target() const { return target_; }
  // With kRefuse, nothing of this replacement is under the target's name when this fails.
  // kYes: bytes and name survive a power cut once this returns. kNo: the caller syncs later, or needs no durability.
  enum class Durable { kYes, kNo };
  Status commit(Durable durable = Durable::kYes);

 private:
  FileReplacement(File file, Path temporary, Path target, Overwrite overwrite);
  Status commit_new(Durable durable);

  std::optional<File> file_;
  Path temporary_;
  Path target_;
  Overwrite overwrite_;
};

// The whole file; kInvalid when it is larger than `size_max`.
Result<Bytes> read_file(const Path& path, std::uint64_t size_max);
// The same from where `file` stands.
Result<Bytes> read_rest(const File& file, std::uint64_t size_max);
Status write_file(const Path& path, ByteView bytes, Overwrite overwrite, mode_t mode = 0644);
Status sync_directory(const Path& directory);
// The permission bits this process withholds from what it makes. Not while another thread makes files.
mode_t current_umask();
Status create_directories(const Path& directory, mode_t mode = 0755);

// kUnwritten: who else can write it can put in what they like. kSecret: who else can read it knows it, too.
enum class Guard { kUnwritten, kSecret };
// What is open must belong to this process's user or to root, and be open to nobody else in that way; kDenied.
Status check_guarded(const File& file, Guard guard);

}  // namespace cloister
