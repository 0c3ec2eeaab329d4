#include "tests/support/local_key.h"

#include "tests/support/hex.h"

namespace cloister::testing {

LocalKey::LocalKey(std::uint8_t byte, crypto::Random& random)
    : key_id_("local-" + std::to_string(byte)), xaes_(key_of_byte(byte).secret()), random_(&random) {}

Result<crypto::WrappedKey> LocalKey::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  crypto::WrappedKey wrapped{crypto::WrapType::kSoftwareKey, key_id_, 1, {}, {}};
  wrapped.ciphertext = crypto::local_wrap(xaes_, *random_, context.canonical(wrapped.type, key_id_, 1), key);
  return wrapped;
}

Result<crypto::KeyMaterial> LocalKey::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kSoftwareKey || wrapped.key_id != key_id_ || wrapped.key_version != 1) {
    return Error(Code::kNotFound, "not this key");
  }
  return crypto::local_unwrap(xaes_, context.canonical(wrapped.type, key_id_, 1), wrapped.ciphertext);
}

}  // namespace cloister::testing
