// The key broker protocol of the Confidential Containers, version 0.4: a guest gets a challenge, answers it with
// evidence and a key of its own, and is then given secrets, each sealed to that key. docs/api/kbs.md.
#pragma once

#include "crypto/signer.h"
#include "service/attestation/attested_release.h"
#include "service/dialect.h"
#include "service/kbs/secrets.h"
#include "service/kbs/sessions.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

struct KbsOptions {
  // Guests show no certificate: the policy knows them as this and the kind of their machine behind a slash,
  // "spiffe://acme.test/kbs/snp", once their evidence was verified.
  std::string callers;
  policy::Purpose purpose = policy::Purpose::kInfer;  // of everything they are given
  Path resources;                                     // a folder of sealed objects
  std::shared_ptr<KbsSessions> sessions;
  std::shared_ptr<UnlockedKeyrings> keyrings;
  std::shared_ptr<crypto::Signer> token_signer;  // any thread may sign
  // Verifies, with the collateral, anchors and floors of that time.
  std::function<KbsJudgement(const KbsEvidence& evidence)> judge;
  // Reads anew what the others go by, as another server of this store may have changed it. Called on a worker before
  // evidence is judged and before every resource; where it fails, nothing is handed out.
  std::function<Status(keys::Store& store)> refresh;
  // Rises when a verdict of before isn't good enough any more: its guests must answer another challenge.
  std::function<std::uint64_t()> epoch;
  // Keeps what was judged, the evidence under its digest, so that it can be judged again. Called on a worker; without
  // it nothing is admitted. Not called for what no trusted root vouches for, or that answers another challenge.
  std::function<Result<KeptItems>(const KbsEvidence& evidence, const KbsJudgement& judgement)> keep;
  // Lets floors rise to what a sound verdict saw, and says the epoch from which on the guest counts. Called on a
  // worker.
  std::function<Result<std::uint64_t>(keys::Store& store, const attest::SetVerdict& verdict, std::uint64_t epoch,
                                      const keys::Caller& caller)>
      raise_floors;
  // Whether a verified guest is given something of that dataset: after the policy about callers, and before anything is
  // opened. Asked on a worker for every resource anew, and kept there, once for the same in one session, so that it can
  // be decided again. kUnavailable: a session has too many. kExpired: the verdict is of another epoch than the policy.
  std::function<Result<KbsDecision>(const KbsGuest& guest, const Target& target, Time now)> decide;
};

struct KbsCollateral {
  std::function<std::shared_ptr<const attest::Collateral>()> current;  // may return null
  std::function<void(const attest::EvidenceSet&)> wanted;              // called when something is missing for it
};
// Guests are judged by the floors of attested release, decided about by its policy under the role "kbs", and their
// evidence is kept with its. `releases` and `random` outlive every call.
void judge_by_attested_release(KbsOptions& options, AttestedRelease& releases, const KbsCollateral& collateral,
                               crypto::Random& random);

class KbsDialect final : public Dialect {
 public:
  explicit KbsDialect(KbsOptions options);

  std::string_view name() const override { return "kbs"; }
  const Route* find(Call& call, std::optional<Problem>& instead) const override;
  std::optional<Problem> verify(Call& call) const override;
  // {"type", "detail"}: guests take an answer of 401 without it for the end of the world.
  net::Response answer(const Problem& problem, const Call& call) const override;
  void finish(net::Response& response, const Call& call) const override;

 private:
  std::vector<Route> routes();
  std::shared_ptr<const KbsGuest> guest_of(const Call& call) const;
  Result<Reply> begin(const Call& call) const;
  Result<Reply> attest(const Call& call, keys::Store& store) const;
  Result<std::shared_ptr<const KbsGuest>> examine(const KbsChallenge& challenge, const Call& call,
                                                  keys::Store& store) const;
  Result<std::string> token_of(const KbsGuest& guest, const KbsChallenge& challenge, Time now) const;
  Result<Reply> hand_out(Call& call, const std::array<std::string, 3>& path, keys::Hierarchy* hierarchy) const;

  const KbsOptions options_;
  const Router router_;
};

}  // namespace cloister::service
