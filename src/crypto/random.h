// Randomness as a parameter: the system's in programs, a fixed stream in tests that need the same bytes twice.
#pragma once

#include <array>

#include "base/bytes.h"

namespace cloister::crypto {

class Random {
 public:
  virtual ~Random() = default;
  // Fills `out` with bytes nobody can guess. Never fails: a machine without randomness stops the process.
  virtual void fill(MutableByteView out) = 0;
};

// OpenSSL's generator behind a buffer per thread (one RAND_bytes call serves many nonces). Any thread may call.
// The buffer is secure memory, wiped as it is used and thrown away in a forked child.
class SystemRandom final : public Random {
 public:
  void fill(MutableByteView out) override;
};

template <std::size_t kSize>
std::array<std::uint8_t, kSize> random_array(Random& random) {
  std::array<std::uint8_t, kSize> bytes;
  random.fill(bytes);
  return bytes;
}

}  // namespace cloister::crypto
