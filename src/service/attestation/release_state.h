// What attested release is decided by and what the store keeps of it: the attestation policy in force, the floors of
// collateral, and the epoch that counts their changes. docs/formats/service-settings.md, SS-11 and SS-12.
#pragma once

#include <memory>

#include "attest/verdict.h"
#include "policy/attestation.h"
#include "service/authentic_settings.h"

namespace cloister::service {

// Immutable.
struct ReleaseState {
  policy::AttestationPolicy policy;
  std::string policy_text;  // exactly as it was set; empty: none was
  crypto::Sha256Digest policy_digest{};
  attest::Floors floors;  // all of them: vendors' and those of answers about single certificates
  // Rises when the policy is replaced and when a floor rises: what was released in an older epoch has ended.
  std::uint64_t epoch = 0;
};

// Any thread may use it; each call with a store of the caller's.
class ReleaseSettings {
 public:
  explicit ReleaseSettings(AuthenticSettings settings) : settings_(std::move(settings)) {}

  // `before` saves reading a policy that is the same. kCorrupt for what this service didn't write.
  Result<std::shared_ptr<const ReleaseState>> load(keys::Store& store,
                                                   const std::shared_ptr<const ReleaseState>& before) const;

  // Within a change: the store's, not the one of a state that was read before.
  Result<std::uint64_t> epoch(keys::Store& store) const;
  // Within a change. kUnavailable when the store's isn't `expected` any more: look again.
  Status expect_epoch(keys::Store& store, std::uint64_t expected) const;
  // Puts the policy into force, in the next epoch.
  Status put_policy(keys::Store& store, keys::Store::Change& change, std::string_view text) const;
  // Lets floors rise to what was seen. A vendor's floor that was there and rises begins the next epoch; which one it is
  // then. Answers about single certificates rise without: each device has its own, with every answer that is fetched.
  Result<std::uint64_t> raise_floors(keys::Store& store, keys::Store::Change& change, const attest::Floors& seen) const;

  // The key that kept releases are encrypted under; made where there is none yet.
  Result<crypto::KeyMaterial> archive_key(keys::Store& store, crypto::Random& random, const keys::Caller& caller) const;

 private:
  struct Counted {
    std::uint64_t epoch = 0;
    attest::Floors floors;
  };
  Result<Counted> read_counted(keys::Store& store) const;
  Result<attest::Floors> read_answers(keys::Store& store) const;
  Status put_counted(keys::Store::Change& change, const Counted& counted) const;

  AuthenticSettings settings_;
};

}  // namespace cloister::service
