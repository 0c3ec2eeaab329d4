#include "keys/kek_wrapper.h"

#include "crypto/xaes.h"

namespace cloister::keys {

std::string kek_key_id(const std::string& kek_id) { return "kek:" + kek_id; }

KekWrapper::KekWrapper(std::string key_id, std::uint32_t version, crypto::Kek kek, crypto::Random& random)
    : key_id_(std::move(key_id)), version_(version), kek_(std::move(kek)), random_(&random) {}

Result<crypto::WrappedKey> KekWrapper::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  crypto::WrappedKey wrapped{crypto::WrapType::kSoftwareKey, key_id_, version_, {}, {}};
  crypto::Xaes xaes(kek_.material().secret());
  wrapped.ciphertext = crypto::local_wrap(xaes, *random_, context.canonical(wrapped.type, key_id_, version_), key);
  return wrapped;
}

Result<crypto::KeyMaterial> KekWrapper::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kSoftwareKey || wrapped.key_id != key_id_ || wrapped.key_version != version_) {
    return Error(Code::kNotFound, "not wrapped by version " + std::to_string(version_) + " of " + key_id_);
  }
  crypto::Xaes xaes(kek_.material().secret());
  return crypto::local_unwrap(xaes, context.canonical(wrapped.type, key_id_, version_), wrapped.ciphertext);
}

}  // namespace cloister::keys
