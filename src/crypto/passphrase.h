// Wraps under a passphrase, stretched by Argon2id (RFC 9106).
#pragma once

#include "crypto/key_wrapper.h"
#include "crypto/random.h"

namespace cloister::crypto {

struct Argon2Cost {
  std::uint32_t memory_kib = 256 * 1024;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 4;
};

// What a reader agrees to spend on a wrap it was handed; above that it is kUnsupported, before any work.
inline constexpr Argon2Cost kArgon2CostMax{1024 * 1024, 16, 16};
inline constexpr std::size_t kPassphraseSizeMin = 8;

// parameters: salt (16) || memory_kib u32 || passes u32 || lanes u32. ciphertext: a local wrap (72 bytes).
// One thread at a time.
class PassphraseWrapper final : public KeyWrapper {
 public:
  // kInvalid for fewer than 8 bytes.
  static Result<PassphraseWrapper> create(Secret passphrase, Argon2Cost cost, Random& random);

  Result<WrappedKey> wrap(const KeyMaterial& key, const WrapContext& context) override;
  Result<KeyMaterial> unwrap(const WrappedKey& wrapped, const WrapContext& context) override;

 private:
  PassphraseWrapper(Secret passphrase, Argon2Cost cost, Random& random);
  Secret passphrase_;
  Argon2Cost cost_;
  Random* random_;
};

}  // namespace cloister::crypto
