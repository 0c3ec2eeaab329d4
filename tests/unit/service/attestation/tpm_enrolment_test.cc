// Challenges for TPMs' attestation keys: answered once, by the TPM and the key that they were made for, and in time.
#include "service/attestation/tpm_enrolment.h"

#include "attest/verifier.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/tpm_identity.h"
#include "tests/support/tpm_opener.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::simulated_identity;
using cloister::testing::SimulatedTpm;
using cloister::testing::TpmParts;
using cloister::testing::value_of;

class TpmEnrolmentTest : public ::testing::Test {
 protected:
  keys::Store& store() { return home_.keys->store(); }
  static keys::Caller later(Duration by) {
    keys::Caller caller = Harness::caller();
    caller.now = caller.now + by;
    return caller;
  }
  Result<attest::TpmChallenge> challenged(const attest::TpmIdentity& identity, const keys::Caller& caller) {
    return enrolment_.challenge(store(), identity, "named by its operator", hours(1), home_.random, caller);
  }
  attest::TpmChallenge challenged() { return value_of(challenged(simulated_identity(), Harness::caller())); }

  // What that TPM makes of it.
  static attest::TpmAnswer answer_to(const attest::TpmChallenge& challenge, TpmParts parts = {}) {
    const auto opened = testing::open_tpm_credential(challenge.credential, challenge.attestation_name);
    CLOISTER_CHECK(opened);
    parts.extra_data = to_bytes(attest::tpm_answer_proof(challenge.id, crypto::Secret::copy_of(*opened)));
    return {challenge.id, SimulatedTpm(parts).evidence()};
  }
  Result<EndorsedTpm> endorsed(const attest::TpmAnswer& answer, Duration after = minutes(1)) {
    return enrolment_.endorse(store(), answer, later(after));
  }

  Harness home_;
  const TpmEnrolment enrolment_{
      value_of(AuthenticSettings::open(home_.keys->store(), *home_.root, home_.random, Harness::caller()))};
};

TEST_F(TpmEnrolmentTest, EndorsementOfTheKeyUnderItsName) {
  const EndorsedTpm done = value_of(endorsed(answer_to(challenged())));
  EXPECT_TRUE(done.verdict.sound());
  EXPECT_EQ(done.endorser, attest::tpm_fingerprint(simulated_identity().endorsement));
  attest::Collateral collateral;
  collateral.add(done.item);
  const SimulatedTpm tpm;
  EXPECT_TRUE(
      verify(tpm.evidence(), {.now = kStart, .report_data = Bytes(64, 0x5A), .collateral = &collateral}).sound());
}

TEST_F(TpmEnrolmentTest, AnsweredTwice) {
  const attest::TpmAnswer answer = answer_to(challenged());
  EXPECT_TRUE(endorsed(answer).ok());
  expect_refused(endorsed(answer), Code::kDenied, "no challenge of that number is open");
}

TEST_F(TpmEnrolmentTest, ExpiredChallenge) {
  const attest::TpmAnswer answer = answer_to(challenged());
  expect_refused(endorsed(answer, hours(1)), Code::kExpired, "the challenge expired at");
  EXPECT_TRUE(endorsed(answer, Duration{hours(1).ms - 1}).ok());
}

TEST_F(TpmEnrolmentTest, AnswerToAnotherChallenge) {
  const attest::TpmChallenge first = challenged(), second = challenged();
  attest::TpmAnswer answer = answer_to(first);
  answer.id = second.id;
  expect_refused(endorsed(answer), Code::kDenied, "isn't to that challenge");
  answer.id = {0xEE};
  expect_refused(endorsed(answer), Code::kDenied, "no challenge of that number is open");
  EXPECT_TRUE(endorsed(answer_to(first)).ok());  // a refusal uses nothing up
}

TEST_F(TpmEnrolmentTest, SecretThatWasNotOpened) {
  const attest::TpmChallenge challenge = challenged();
  expect_refused(endorsed({challenge.id, SimulatedTpm().evidence()}), Code::kDenied, "isn't to that challenge");
}

TEST_F(TpmEnrolmentTest, AnotherKeyOrTheSameWithOtherAttributes) {
  const attest::TpmChallenge challenge = challenged();
  expect_refused(endorsed(answer_to(challenge, {.seed = 62})), Code::kDenied, "another key");
  expect_refused(endorsed(answer_to(challenge, {.attributes = testing::kAttestingKey | 1U << 10})), Code::kDenied,
                 "another key");
  attest::TpmAnswer bare = answer_to(challenge, {.bare_key = true});
  EXPECT_EQ(endorsed(bare).error().code(), Code::kInvalid);
  expect_refused(endorsed(answer_to(challenge, {.signed_by = 63})), Code::kDenied, "quote-signature");
  expect_refused(endorsed(answer_to(challenge, {.pcr_digest = Bytes(32, 9)})), Code::kDenied, "pcr-digest");
}

TEST_F(TpmEnrolmentTest, KeysThatMayDoMore) {
  constexpr std::uint32_t kRestricted = 1U << 16, kFixedTpm = 1U << 1, kDecrypt = 1U << 17;
  for (const std::uint32_t attributes : {testing::kAttestingKey & ~kRestricted, testing::kAttestingKey & ~kFixedTpm,
                                         testing::kAttestingKey | kDecrypt}) {
    expect_refused(challenged(simulated_identity({.attributes = attributes}), Harness::caller()), Code::kDenied,
                   "may sign what no TPM said");
  }
  attest::TpmIdentity identity = simulated_identity();
  identity.endorsement = identity.attestation;
  expect_refused(challenged(identity, Harness::caller()), Code::kDenied, "may do more than decrypt");
}

TEST_F(TpmEnrolmentTest, ChallengeThatSomebodyWroteIntoTheStore) {
  const attest::TpmChallenge challenge = challenged();
  const std::string name = "tpm_challenge:" + to_hex(challenge.id);
  std::string value = value_of(store().setting(name));
  value[70] ^= 1;
  const audit::Event event{kStart, "test", "test", "", "", audit::Outcome::kAllowed, ""};
  ASSERT_TRUE(store().change(event, [&](keys::Store::Change& change) { return change.put_setting(name, value); }).ok());
  expect_refused(endorsed(answer_to(challenge)), Code::kCorrupt, "");
}

TEST_F(TpmEnrolmentTest, ExpiredOnesMakeRoom) {
  const attest::TpmChallenge old = challenged();
  EXPECT_TRUE(store().setting("tpm_challenge:" + to_hex(old.id)).ok());
  EXPECT_TRUE(challenged(simulated_identity(), later(hours(1))).ok());
  expect_refused(store().setting("tpm_challenge:" + to_hex(old.id)), Code::kNotFound, "");
}

}  // namespace
}  // namespace cloister::service
