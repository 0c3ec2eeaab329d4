// What both ends of HTTP/2 need of nghttp2: memory that is wiped when freed, since it holds plaintext too, and its
// strings. Used by the two HTTP/2 sessions alone.
#pragma once

#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "crypto/secret.h"

namespace cloister::net {

inline void wipe_and_free(void* data, void*) {
  if (data == nullptr) return;
  crypto::wipe({static_cast<std::uint8_t*>(data), ::malloc_usable_size(data)});
  std::free(data);
}

inline nghttp2_mem wiping_memory() {
  const auto allocate = [](std::size_t size, void*) { return std::malloc(size); };
  const auto allocate_zeroed = [](std::size_t count, std::size_t size, void*) { return std::calloc(count, size); };
  const auto reallocate = [](void* data, std::size_t size, void*) -> void* {
    if (data == nullptr) return std::malloc(size);
    void* moved = std::malloc(size);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, data, std::min(size, ::malloc_usable_size(data)));
    wipe_and_free(data, nullptr);
    return moved;
  };
  return {nullptr, allocate, wipe_and_free, allocate_zeroed, reallocate};
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline nghttp2_nv name_value(std::string_view name, std::string_view value) {
  // nghttp2 copies both; its C interface knows no const.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

}  // namespace cloister::net
