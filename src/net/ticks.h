// Milliseconds of a clock that never goes back: for time limits.
#pragma once

#include <chrono>
#include <cstdint>

namespace cloister::net {

using Ticks = std::int64_t;
inline constexpr Ticks kNever = INT64_MAX;

// Only code that waits asks; protocols get it handed down.
inline Ticks ticks_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace cloister::net
