// Randomness that repeats, for tests that compare bytes. Never for a program.
#pragma once

#include <cstdint>

#include "crypto/random.h"

namespace cloister::testing {

// SHA-256 over (seed, counter), block after block. The same seed gives the same bytes, however they are asked for.
class DeterministicRandom final : public crypto::Random {
 public:
  explicit DeterministicRandom(std::uint64_t seed) : seed_(seed) {}
  void fill(MutableByteView out) override;

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
  std::array<std::uint8_t, 32> block_{};
  std::size_t used_ = 32;
};

// Hands out exactly these bytes, and stops the process when asked for more: for published vectors.
class ScriptedRandom final : public crypto::Random {
 public:
  explicit ScriptedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(MutableByteView out) override;
  std::size_t remaining() const { return bytes_.size() - used_; }

 private:
  Bytes bytes_;
  std::size_t used_ = 0;
};

}  // namespace cloister::testing
