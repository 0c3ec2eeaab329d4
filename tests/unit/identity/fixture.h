// An authority, its keys and its bundle, for tests that need somebody to issue.
#pragma once

#include <gtest/gtest.h>

#include "identity/authority.h"
#include "tests/support/certificates.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"

namespace cloister::identity {

using testing::expect_refused;
using testing::kNow;
using testing::value_of;

inline TrustDomain domain_of(std::string_view name = "example.org") { return value_of(TrustDomain::parse(name)); }
inline SpiffeId id_of(std::string_view uri = "spiffe://example.org/worker") { return value_of(SpiffeId::parse(uri)); }

// Two keys from a seed.
struct Signers {
  explicit Signers(std::uint64_t seed) : x509(testing::key_of_seed(seed)), jwt(testing::key_of_seed(seed + 500'000)) {}
  AuthoritySigners both() { return {&x509, &jwt}; }
  crypto::MemorySigner x509, jwt;
};

// A trust domain with one active authority.
class Realm {
 public:
  explicit Realm(std::string_view name = "example.org", std::uint64_t seed = 10, const AuthorityRules& rules = {},
                 Time now = kNow)
      : random(seed),
        signers(seed),
        rotation(value_of(Rotation::begin(domain_of(name), rules, record(name, rules, now), now))) {}

  Authority authority() { return value_of(Authority::open(rotation, signers.both())); }
  BundleSet bundles() const { return BundleSet().with(rotation.bundle()); }
  X509Svid issue(std::string_view uri = "spiffe://example.org/worker", Time now = kNow) {
    return value_of(authority().issue_x509_svid(id_of(uri), testing::key_of_seed(1000).public_key(), now, random));
  }

  testing::DeterministicRandom random;
  Signers signers;
  Rotation rotation;

 private:
  AuthorityRecord record(std::string_view name, const AuthorityRules& rules, Time now) {
    return value_of(make_authority(domain_of(name), rules, signers.both(), {}, now, random));
  }
};

}  // namespace cloister::identity
