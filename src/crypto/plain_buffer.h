// Room for plaintext on its way: page-aligned, wiped when freed.
#pragma once

#include <cstdlib>
#include <utility>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

class PlainBuffer {
 public:
  explicit PlainBuffer(std::size_t size)
      : data_(static_cast<std::uint8_t*>(std::aligned_alloc(4096, (size + 4095) & ~std::size_t{4095}))), size_(size) {
    CLOISTER_CHECK(data_ != nullptr);
  }
  PlainBuffer(PlainBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PlainBuffer& operator=(PlainBuffer&&) = delete;
  ~PlainBuffer() {
    if (data_ == nullptr) return;
    wipe(bytes());
    std::free(data_);
  }

  std::size_t size() const { return size_; }
  MutableByteView bytes() { return {data_, size_}; }
  MutableByteView first(std::size_t size) { return bytes().first(size); }

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace cloister::crypto
