// Arm CCA tokens made by tests under a platform key of their own, good ones and every kind of bad one.
#pragma once

#include <optional>
#include <string>

#include "attest/verifier.h"
#include "crypto/asymmetric_key.h"

namespace cloister::testing {

struct SimulatedCca {
  enum class Profile { kLegacy, k2023 };
  Profile platform_profile = Profile::k2023;
  Profile realm_profile = Profile::k2023;
  std::uint64_t platform_seed = 41;
  crypto::KeyType platform_key = crypto::KeyType::kEcP384;
  std::uint64_t realm_seed = 42;
  std::optional<std::uint64_t> realm_signed_by = {};  // another seed than the one that the token names
  std::string key_hash = "sha-256";
  std::optional<Bytes> binding = {};  // instead of the digest of the realm's key
  std::uint64_t lifecycle = 0x3000;
  Bytes challenge = Bytes(64, 0x5C);
  Bytes instance = Bytes(33, 0x01);
  Bytes initial = Bytes(32, 0x11);
  std::optional<std::int64_t> without = {};  // a claim, of either part, that is left out
  bool twice = false;                        // the realm's challenge stands there twice

  crypto::PrivateKey platform() const;
  crypto::PrivateKey realm() const;
  Bytes token() const;
  attest::Evidence evidence() const;
  // With the platform's key.
  attest::Collateral collateral() const;
};

}  // namespace cloister::testing
