#include "worker/engine_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "crypto/secret.h"

namespace cloister::worker {
namespace {

// Newer than the C library's headers: Linux 6.3 and 5.1.
constexpr unsigned kNoexecSeal = 0x8;
constexpr int kSealFutureWrite = 0x10;

}  // namespace

Result<File> make_memory_file(const std::string& name) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int descriptor = ::memfd_create(name.c_str(), flags | kNoexecSeal);
  // An older kernel doesn't know that a file of data needs no way to be executed.
  if (descriptor < 0 && errno == EINVAL) descriptor = ::memfd_create(name.c_str(), flags);
  if (descriptor < 0) return error_from_errno(errno, "make the memory file " + name);
  return File::from_descriptor(descriptor, name, File::Owned::kYes);
}

Result<EngineFile> EngineFile::allocate(File file, std::size_t size) {
  CLOISTER_CHECK(size > 0);
  const std::string doing = "make the memory file " + file.path().string();
  CLOISTER_RETURN_IF_ERROR(file.truncate(size));
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
  if (mapped == MAP_FAILED) return error_from_errno(errno, doing);
  EngineFile made(std::move(file), static_cast<std::uint8_t*>(mapped), size);
  if (::mlock(mapped, size) != 0) {
    return Error(Code::kUnavailable,
                 doing + ": the limit on locked memory is too low for " + std::to_string(size) + " bytes");
  }
  if (::madvise(mapped, size, MADV_DONTFORK) != 0 || ::madvise(mapped, size, MADV_DONTDUMP) != 0) {
    return error_from_errno(errno, doing);
  }
  return made;
}

EngineFile::EngineFile(EngineFile&& other) noexcept
    : file_(std::move(other.file_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

EngineFile::~EngineFile() {
  if (data_ == nullptr) return;
  crypto::wipe({data_, size_});
  ::munmap(data_, size_);
}

Status EngineFile::freeze() {
  const int seals = kSealFutureWrite | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (::fcntl(file_.descriptor(), F_ADD_SEALS, seals) == 0) return {};
  return error_from_errno(errno, "freeze the memory file " + file_.path().string());
}

}  // namespace cloister::worker
