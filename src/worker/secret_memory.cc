#include "worker/secret_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "crypto/secret.h"

namespace cloister::worker {
namespace {

// C libraries older than the call don't have its number; it is the same on every architecture since 5.14.
constexpr long kMemfdSecret = 447;

std::uint8_t* map_secret(std::size_t size) {
  const int descriptor = static_cast<int>(::syscall(kMemfdSecret, O_CLOEXEC));
  if (descriptor < 0) return nullptr;
  void* mapped = MAP_FAILED;
  if (::ftruncate(descriptor, static_cast<off_t>(size)) == 0) {
    mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  ::close(descriptor);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(mapped);
}

std::uint8_t* map_locked(std::size_t size) {
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const bool kept = ::mlock(mapped, size) == 0 && ::madvise(mapped, size, MADV_DONTDUMP) == 0;
  if (!kept) {
    ::munmap(mapped, size);
    return nullptr;
  }
  return static_cast<std::uint8_t*>(mapped);
}

}  // namespace

std::string_view secret_memory_name(SecretMemory::Kind kind) {
  return kind == SecretMemory::Kind::kSecret ? "memfd_secret" : "locked pages";
}

SecretMemory::Kind SecretMemory::best() {
  std::uint8_t* page = map_secret(1);
  if (page == nullptr) return Kind::kLocked;
  ::munmap(page, 1);
  return Kind::kSecret;
}

Result<SecretMemory> SecretMemory::allocate(std::size_t size, Kind kind) {
  CLOISTER_CHECK(size > 0);
  std::uint8_t* data = kind == Kind::kSecret ? map_secret(size) : map_locked(size);
  if (data == nullptr) {
    return Error(Code::kUnavailable, "allocate " + std::to_string(size) + " bytes of " +
                                         std::string(secret_memory_name(kind)) +
                                         ": the limit on locked memory is too low, or memory is short");
  }
  // A shared mapping would be the child's as well.
  if (::madvise(data, size, MADV_DONTFORK) != 0) {
    ::munmap(data, size);
    return Error(Code::kInternal, "keep secret memory out of forked processes: the kernel refuses");
  }
  return SecretMemory(data, size, kind);
}

SecretMemory::SecretMemory(SecretMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), kind_(other.kind_) {}

SecretMemory& SecretMemory::operator=(SecretMemory&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  kind_ = other.kind_;
  return *this;
}

SecretMemory::~SecretMemory() { release(); }

void SecretMemory::release() {
  if (data_ == nullptr) return;
  crypto::wipe({data_, size_});
  ::munmap(data_, size_);
}

}  // namespace cloister::worker
