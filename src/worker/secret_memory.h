// Memory for a model's or a data set's plaintext: pages that the kernel itself doesn't map where it can
// (memfd_secret(2)), else pages that are locked and left out of core dumps. For keys there is crypto::Secret.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace cloister::worker {

// Moves, doesn't copy. Wiped when destroyed. Not in a forked child.
class SecretMemory {
 public:
  enum class Kind {
    kSecret,  // outside of the kernel's own map: root can't read it through /proc or ptrace either
    kLocked,  // never swapped, in no core dump; root can read it
  };
  // What this machine has. Allocates a page to find out.
  static Kind best();

  // Zeroed; at least one byte. kUnavailable when the limit on locked memory is too low for it: there is no weaker kind.
  static Result<SecretMemory> allocate(std::size_t size, Kind kind = best());

  SecretMemory(SecretMemory&& other) noexcept;
  SecretMemory& operator=(SecretMemory&& other) noexcept;
  SecretMemory(const SecretMemory&) = delete;
  ~SecretMemory();

  Kind kind() const { return kind_; }
  std::size_t size() const { return size_; }
  ByteView expose() const { return {data_, size_}; }
  MutableByteView expose_mutable() { return {data_, size_}; }

 private:
  SecretMemory(std::uint8_t* data, std::size_t size, Kind kind) : data_(data), size_(size), kind_(kind) {}
  void release();

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  Kind kind_ = Kind::kLocked;
};
std::string_view secret_memory_name(SecretMemory::Kind kind);  // "memfd_secret", "locked pages"

}  // namespace cloister::worker
