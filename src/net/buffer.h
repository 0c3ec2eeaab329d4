// Bytes on their way through: requests and answers of a key service carry keys, so their memory is wiped when freed.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::net {

template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename Other>
  WipingAllocator(const WipingAllocator<Other>&) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* data, std::size_t count) {
    crypto::wipe({reinterpret_cast<std::uint8_t*>(data), count * sizeof(T)});
    std::allocator<T>().deallocate(data, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

using Buffer = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

inline void append(Buffer& buffer, ByteView bytes) { buffer.insert(buffer.end(), bytes.begin(), bytes.end()); }
inline void append(Buffer& buffer, std::string_view text) { append(buffer, as_bytes(text)); }
inline Buffer to_buffer(std::string_view text) { return Buffer(text.begin(), text.end()); }

// Empties, keeping the room: what was in it is gone.
inline void wipe_and_clear(Buffer& buffer) {
  crypto::wipe(buffer);
  buffer.clear();
}

}  // namespace cloister::net
