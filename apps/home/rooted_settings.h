// Everything of a home, beside its tenants' KEKs, that a root wraps.
#pragma once

#include "service/rooted_settings.h"

namespace cloister::home {

class RootedSettings {
 public:
  explicit RootedSettings(crypto::Random& random) : authorities_(random), all_(keys::own_rooted_settings()) {
    all_.push_back(&authorities_);
  }
  RootedSettings(const RootedSettings&) = delete;
  RootedSettings& operator=(const RootedSettings&) = delete;

  const keys::RootedSettings& all() const { return all_; }

 private:
  const service::RootedAuthorities authorities_;
  keys::RootedSettings all_;
};

}  // namespace cloister::home
