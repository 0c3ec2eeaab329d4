// Attested release: challenges, evidence judged under the attestation policy, keys sealed to the attested key, what it
// was decided by kept. docs/attested-release.md, docs/formats/release.md.
#pragma once

#include "attest/collateral.h"
#include "service/attestation/archive.h"
#include "service/attestation/leases.h"
#include "service/attestation/release_order.h"
#include "service/attestation/release_state.h"
#include "service/attestation/result_tokens.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

struct AttestedReleaseParts {
  AuthenticSettings settings;
  Path archive;  // a folder
  // What verifiers may use beside the evidence, as it is now; null for none. Any thread calls it; it must not wait.
  std::function<std::shared_ptr<const attest::Collateral>()> collateral = {};
  crypto::Random* random = nullptr;  // outlives it
  ChallengeLimits challenges = {};
  std::size_t cached_keyrings = 256;
  // Told of evidence that something was lacking for, so that it can be fetched, and who sent it. Any thread; it must
  // not wait.
  std::function<void(const attest::EvidenceSet&, const std::string& caller)> wanted = {};
};

// Any thread may call. Outlives the service that has its routes.
class AttestedRelease {
 public:
  // Makes the key of the archive where there is none yet. kCorrupt for a policy or a state that this home's service
  // didn't write.
  static Result<std::unique_ptr<AttestedRelease>> open(AttestedReleaseParts parts, keys::Store& store,
                                                       const keys::Caller& caller);

  // What another server of this store changed counts from then on. (A release itself always looks.)
  Status refresh(keys::Store& store);
  std::shared_ptr<const ReleaseState> state() const;

  // For ServiceOptions::guard: kDenied for what would hand out the plain keys of a dataset that goes to attested
  // workers alone.
  Status guard(policy::Operation operation, const Target& target) const;

  // For verdicts that other protocols come to: lets floors rise to what a sound one saw, on record where one does, and
  // says the epoch from then on. Where the epoch isn't `expected` any more, nothing rises, and that is what it says.
  Result<std::uint64_t> raise_floors(keys::Store& store, const attest::Floors& seen, std::uint64_t expected,
                                     const keys::Caller& caller);

  // POST /v1/attestation/challenges, GET /v1/attestation/leases/{lease}, GET and PUT /v1/attestation/policy, GET
  // /v1/attestation/result-keys, and POST …/datasets/{dataset}/release.
  std::vector<Route> routes();

  const Archive& archive() const { return archive_; }
  const ResultTokens& tokens() const { return tokens_; }

 private:
  struct Attempt;
  AttestedRelease(AttestedReleaseParts parts, Archive archive, ResultTokens tokens)
      : settings_(std::move(parts.settings)),
        archive_(std::move(archive)),
        tokens_(std::move(tokens)),
        collateral_(std::move(parts.collateral)),
        wanted_(std::move(parts.wanted)),
        random_(*parts.random),
        challenges_(parts.challenges),
        keyrings_(parts.cached_keyrings, random_) {}

  Result<Reply> make_challenge(const Call& call, const std::string& role);
  Result<Reply> show_lease(const Call& call, keys::Store& store);
  Result<Reply> show_policy(keys::Store& store);
  Result<Reply> set_policy(const Call& call, keys::Store& store, const std::string& text,
                           const std::optional<std::string>& replaces);

  Result<Reply> release(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy);
  Result<Reply> release_attested(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy);
  Result<Reply> release_by_lease(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy);
  Result<Reply> try_release(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy, Attempt& attempt);
  Result<Reply> hand_out(const ReleaseOrder& order, Call& call, keys::Hierarchy& hierarchy, Attempt& attempt);
  Status keep(Attempt& attempt, const attest::Collateral* collateral);
  std::shared_ptr<const ReleaseState> replace(std::shared_ptr<const ReleaseState> state);

  const ReleaseSettings settings_;
  const Archive archive_;
  const ResultTokens tokens_;
  const std::function<std::shared_ptr<const attest::Collateral>()> collateral_;
  const std::function<void(const attest::EvidenceSet&, const std::string& caller)> wanted_;
  crypto::Random& random_;
  Challenges challenges_;
  Leases leases_;
  UnlockedKeyrings keyrings_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ReleaseState> state_ = std::make_shared<ReleaseState>();
};

}  // namespace cloister::service
