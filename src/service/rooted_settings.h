// What of the service's own is under a root: for moving a home from one root to another.
#pragma once

#include "crypto/random.h"
#include "keys/root_use.h"

namespace cloister::service {

// The issuing authorities: docs/formats/service-settings.md. (The service's key is in keys::own_rooted_settings().)
class RootedAuthorities final : public keys::RootedSetting {
 public:
  explicit RootedAuthorities(crypto::Random& random) : random_(random) {}
  std::string_view name() const override;
  Result<std::vector<std::string>> roots(std::string_view value) const override;
  Result<std::string> rewrap(std::string_view value, const Bytes& home_id, crypto::KeyWrapper& sources,
                             crypto::KeyWrapper& target) const override;

 private:
  crypto::Random& random_;
};

}  // namespace cloister::service
