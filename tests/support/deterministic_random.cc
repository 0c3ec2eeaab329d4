#include "tests/support/deterministic_random.h"

#include "crypto/hash.h"

namespace cloister::testing {

void DeterministicRandom::fill(MutableByteView out) {
  for (std::uint8_t& byte : out) {
    if (used_ == block_.size()) {
      std::uint8_t input[16];
      store_le(input, seed_);
      store_le(input + 8, counter_++);
      block_ = crypto::sha256(input);
      used_ = 0;
    }
    byte = block_[used_++];
  }
}

void ScriptedRandom::fill(MutableByteView out) {
  CLOISTER_CHECK(out.size() <= remaining());
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + used_, out.size());
  used_ += out.size();
}

}  // namespace cloister::testing
