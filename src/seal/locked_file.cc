#include "seal/locked_file.h"

#include <sys/stat.h>

#include <cerrno>

namespace cloister::seal {

Status lock_in_place(const File& file) {
  CLOISTER_RETURN_IF_ERROR(file.lock_exclusive());
  struct stat open_one{};
  struct stat named{};
  if (::fstat(file.descriptor(), &open_one) != 0) return error_from_errno(errno, "look at " + file.path().string());
  const bool there = ::stat(file.path().c_str(), &named) == 0;
  if (!there && errno != ENOENT) return error_from_errno(errno, "look at " + file.path().string());
  if (there && open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino) return {};
  return Error(Code::kUnavailable,
               "lock " + file.path().string() + ": it was replaced or removed meanwhile: try again");
}

Result<File> open_locked(const std::function<Result<File>(File::Access)>& open) {
  auto file = open(File::Access::kReadWrite);
  if (!file.ok() && file.error().code() == Code::kDenied) file = open(File::Access::kRead);
  if (!file.ok()) return file;
  CLOISTER_RETURN_IF_ERROR(lock_in_place(*file));
  return file;
}

}  // namespace cloister::seal
