// Settings of the store that nobody who can merely write to it can make up: each carries a MAC under a key that the
// root wraps. docs/formats/service-settings.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "keys/hierarchy.h"

namespace cloister::service {

// Any thread may use it; each call with a store of the caller's.
class AuthenticSettings {
 public:
  // Makes the key where the store has none yet. The root's codes; kCorrupt for a key that isn't the one it says.
  static Result<AuthenticSettings> open(keys::Store& store, crypto::KeyWrapper& root, crypto::Random& random,
                                        const keys::Caller& caller);

  // kNotFound; kCorrupt for a value that this home's service didn't write under that name. An older value put back
  // isn't noticed.
  Result<std::string> read(keys::Store& store, std::string_view name) const;
  Status put(keys::Store::Change& change, std::string_view name, std::string_view value) const;
  // A key that is kept as part of the setting of that name: doesn't open under another. kDenied.
  Bytes wrap(std::string_view name, const crypto::KeyMaterial& key, crypto::Random& random) const;
  Result<crypto::KeyMaterial> unwrap(std::string_view name, ByteView wrapped) const;
  // The same for a value that was read in another way.
  Result<std::string> open_value(std::string_view name, std::string_view stored) const;

 private:
  explicit AuthenticSettings(crypto::KeyMaterial key)
      : key_(std::make_shared<const crypto::KeyMaterial>(std::move(key))) {}
  std::string mac_of(std::string_view name, std::string_view value) const;

  std::shared_ptr<const crypto::KeyMaterial> key_;
};

}  // namespace cloister::service
