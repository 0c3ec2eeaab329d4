// Chains, evidence and clients.
#include "redteam/chain_attacks.h"
#include "redteam/evidence_attacks.h"
#include "redteam/server_attacks.h"
#include "tests/support/tls_target.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

class Identities : public Exercises {
 protected:
  const Field field_ = field();
};

TEST_F(Identities, ChainsAreRefused) {
  expect_defended(run_misissued(field_, judge_chain));
  const Report report = run_invalid_chains(field_, judge_chain);
  expect_defended(report);
  EXPECT_EQ(report.cases, 14);
}

// Looks at the name alone, as a client with verification turned off.
Status look_at_name(Time, const std::vector<Bytes>& chain, const identity::BundleSet&) {
  const auto leaf = crypto::Certificate::parse(chain.front());
  if (!leaf.ok()) return leaf.error();
  if (leaf->facts().names.uris.empty()) return Error(Code::kDenied, "no name");
  return {};
}

// Verifies the signatures, and not the dates.
Status judge_without_dates(Time, const std::vector<Bytes>& chain, const identity::BundleSet& bundles) {
  const auto leaf = crypto::Certificate::parse(chain.front());
  if (!leaf.ok()) return leaf.error();
  return judge_chain(leaf->facts().not_before, chain, bundles);
}

TEST_F(Identities, ChainsOnAWeakVerifier) {
  expect_failed(run_misissued(field_, look_at_name));
  expect_failed(run_invalid_chains(field_, look_at_name));
  const Report report = run_invalid_chains(field_, judge_without_dates);
  expect_failed(report);
  EXPECT_EQ(report.reason, "expired");
}

TEST_F(Identities, ChainsOnAVerifierThatTakesNobody) {
  const auto nobody = [](Time, const std::vector<Bytes>&, const identity::BundleSet&) {
    return Status(Error(Code::kDenied, "no"));
  };
  expect_not_run(run_misissued(field_, nobody), "right identity");
}

constexpr Report (*kEvidence[])(const Field&, const JudgeEvidence&) = {
    run_evidence_replay, run_evidence_relay, run_evidence_debug, run_evidence_stale, run_evidence_spoof};

TEST_F(Identities, EvidenceIsRefused) {
  for (const auto run : kEvidence) {
    const Report report = run(field_, judge_evidence);
    expect_defended(report);
    EXPECT_TRUE(report.simulated);
  }
}

// Takes what is signed by somebody, whatever it says.
Status believe(const attest::Evidence&, const attest::Question&) { return {}; }

TEST_F(Identities, EvidenceOnAVerifierThatBelieves) {
  for (const auto run : kEvidence) {
    const Report report = run(field_, believe);
    expect_failed(report);
    EXPECT_TRUE(report.simulated);
  }
}

// Forgets one check each: the exercise for that one fails, the others don't.
TEST_F(Identities, EvidenceOnAVerifierWithoutOneCheck) {
  const auto without = [](std::string_view left_out) {
    return [left_out](const attest::Evidence& evidence, const attest::Question& question) -> Status {
      const attest::Verdict verdict = attest::verify(evidence, question);
      for (const attest::Check& check : verdict.checks) {
        if (check.state != attest::CheckState::kPassed && check.name != left_out) {
          return Error(Code::kDenied, check.name);
        }
      }
      return {};
    };
  };
  expect_failed(run_evidence_replay(field_, without("report-data")));
  expect_failed(run_evidence_relay(field_, without("report-data")));
  expect_failed(run_evidence_debug(field_, without("debug")));
  expect_failed(run_evidence_stale(field_, without("validity")));
  expect_failed(run_evidence_spoof(field_, without("trusted-root")));
  expect_defended(run_evidence_debug(field_, without("validity")));
}

TEST_F(Identities, ClientsAreRefused) {
  const Report report = run_canary_clients(field_);
  expect_defended(report);
  ASSERT_TRUE(report.clients.has_value());
  EXPECT_EQ(report.clients->accepted, std::vector<std::string>{"expected"});
  EXPECT_EQ(report.clients->refused.size(), 6u);
  EXPECT_EQ(report.clients->tls13, true);
  EXPECT_TRUE(report.simulated);
}

TEST_F(Identities, NoServerWasNamed) {
  for (const auto run : {run_plaintext, run_downgrade, run_weak_suites}) {
    expect_not_run(run(field_, std::nullopt), "--server");
  }
}

}  // namespace
}  // namespace cloister::redteam
