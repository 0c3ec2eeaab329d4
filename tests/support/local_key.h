// A key in memory that wraps: what tests seal under.
#pragma once

#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "crypto/xaes.h"

namespace cloister::testing {

// Two with the same byte are the same key. `random` outlives it.
class LocalKey final : public crypto::KeyWrapper {
 public:
  LocalKey(std::uint8_t byte, crypto::Random& random);

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  std::string key_id_;
  crypto::Xaes xaes_;
  crypto::Random* random_;
};

// Answers every call with one error, and counts the unwraps: a key that is disabled, or out of reach.
class FailingKey final : public crypto::KeyWrapper {
 public:
  explicit FailingKey(Error error) : error_(std::move(error)) {}

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) override { return error_; }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey&, const crypto::WrapContext&) override {
    ++unwraps_;
    return error_;
  }
  unsigned unwraps() const { return unwraps_; }

 private:
  Error error_;
  unsigned unwraps_ = 0;
};

}  // namespace cloister::testing
