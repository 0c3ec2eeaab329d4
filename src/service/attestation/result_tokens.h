// The home's keys for attestation results: one signs what hardware vouches for, another one everything else, so that no
// relying party takes the word of insecure_software for the other's. docs/formats/attestation-result.md.
#pragma once

#include "attest/ear.h"
#include "service/attestation/archive.h"
#include "service/authentic_settings.h"

namespace cloister::service {

// What a token says of a release or refusal that is kept: decided under the policy of that id, said at `issued`.
attest::EarRequest result_of(const ReleaseRecord& record, const std::string& policy_id, Time issued, Duration lifetime);

// Any thread may use it; copies share the keys.
class ResultTokens {
 public:
  // Makes the keys where the store has none yet. kCorrupt for keys that this home's service didn't write.
  static Result<ResultTokens> open(const AuthenticSettings& settings, keys::Store& store, crypto::Random& random,
                                   const keys::Caller& caller);

  // Signed by the key of the verdict's assurance; `iss` becomes this home's. kInvalid as attest::ear_token().
  Result<std::string> sign(const attest::SetVerdict& verdict, attest::EarRequest request) const;

  const crypto::PublicKey& key(attest::Assurance assurance) const { return signer(assurance).public_key(); }
  // A JWKS (RFC 7517 5) of both, each with its `cloister.assurance`: JSON.
  std::string jwks() const;

 private:
  struct Keys {
    std::string issuer;
    crypto::MemorySigner hardware, other;
  };
  explicit ResultTokens(std::shared_ptr<Keys> keys) : keys_(std::move(keys)) {}
  crypto::MemorySigner& signer(attest::Assurance assurance) const;

  std::shared_ptr<Keys> keys_;
};

}  // namespace cloister::service
