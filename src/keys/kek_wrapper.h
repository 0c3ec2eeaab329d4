// One version of a KEK at work: wraps and unwraps ring keys. docs/formats/key-hierarchy.md, KH-3.
#pragma once

#include <string>

#include "crypto/key_wrapper.h"
#include "crypto/random.h"

namespace cloister::keys {

// "kek:" and the KEK's id: how keyrings name it.
std::string kek_key_id(const std::string& kek_id);

// XAES-256-GCM, wrap type 2. Any thread may call.
class KekWrapper final : public crypto::KeyWrapper {
 public:
  KekWrapper(std::string key_id, std::uint32_t version, crypto::Kek kek, crypto::Random& random);

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  std::string key_id_;
  std::uint32_t version_;
  crypto::Kek kek_;
  crypto::Random* random_;
};

}  // namespace cloister::keys
