#include "attest/tpm/enrolment.h"

#include <gtest/gtest.h>

#include <array>

#include "base/base64.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_tpm.h"
#include "tests/support/tpm_identity.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::kNow;
using cloister::testing::raw_extension;
using cloister::testing::secret_of;
using cloister::testing::simulated_identity;
using cloister::testing::SimulatedTpm;
using cloister::testing::TestAuthority;
using cloister::testing::value_of;

TpmChallenge challenge() {
  return {{1, 2, 3}, kNow + hours(1), value_of(from_hex("000b0102")), {Bytes(50, 4), Bytes(256, 5)}};
}

TpmAnswer answer() { return {{7}, SimulatedTpm().evidence()}; }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TpmEnrolment, FilesReadAsTheyWereWritten) {
  TpmIdentity identity = simulated_identity();
  for (const Bytes& certificate : {Bytes(), Bytes(30, 9)}) {
    identity.certificate = certificate;
    const TpmIdentity read = value_of(parse_tpm_identity(write_tpm_identity(identity)));
    EXPECT_EQ(read.endorsement.area, identity.endorsement.area);
    EXPECT_EQ(read.attestation.name(), identity.attestation.name());
    EXPECT_EQ(read.certificate, certificate);
  }
  const TpmChallenge made = value_of(parse_tpm_challenge(write_tpm_challenge(challenge())));
  EXPECT_EQ(made.id, challenge().id);
  EXPECT_EQ(made.expires, challenge().expires);
  EXPECT_EQ(made.attestation_name, challenge().attestation_name);
  EXPECT_EQ(made.credential.object, challenge().credential.object);
  EXPECT_EQ(made.credential.secret, challenge().credential.secret);
  const TpmAnswer given = value_of(parse_tpm_answer(write_tpm_answer(answer())));
  EXPECT_EQ(given.id, answer().id);
  EXPECT_EQ(given.evidence.parts.size(), 4U);
  EXPECT_EQ(to_bytes(given.evidence.part("ak")), to_bytes(answer().evidence.part("ak")));
}

TEST(TpmEnrolment, FilesThatArentWhole) {
  const std::string identity = write_tpm_identity(simulated_identity());
  for (const char* name : {"type", "version", "endorsement_key", "attestation_key"}) {
    expect_refused(parse_tpm_identity(replaced(identity, "\"" + std::string(name) + "\"", "\"x\"")), Code::kInvalid,
                   "");
  }
  const std::string challenged = write_tpm_challenge(challenge());
  for (const char* name : {"id", "expires", "attestation_name", "object", "secret"}) {
    const std::string left_out = replaced(challenged, "\"" + std::string(name) + "\"", "\"x\"");
    expect_refused(parse_tpm_challenge(left_out), Code::kInvalid, "");
  }
  const std::string answered = write_tpm_answer(answer());
  for (const char* name : {"id", "quote", "signature", "pcrs", "ak"}) {
    expect_refused(parse_tpm_answer(replaced(answered, "\"" + std::string(name) + "\"", "\"x\"")), Code::kInvalid, "");
  }
  for (std::size_t size = 0; size + 1 < answered.size(); size += 7) {
    EXPECT_FALSE(parse_tpm_answer(answered.substr(0, size)).ok()) << size;
  }
}

TEST(TpmEnrolment, FilesOfAnotherTypeOrVersion) {
  const std::string identity = write_tpm_identity(simulated_identity());
  expect_refused(parse_tpm_challenge(identity), Code::kInvalid, "type");
  expect_refused(parse_tpm_answer(write_tpm_challenge(challenge())), Code::kInvalid, "type");
  expect_refused(parse_tpm_identity(replaced(identity, "\"version\":1", "\"version\":2")), Code::kUnsupported,
                 "another version");
  expect_refused(parse_tpm_identity(replaced(identity, "{", "{\"more\":1,")), Code::kInvalid, "isn't one of its own");
  expect_refused(parse_tpm_identity("[]"), Code::kInvalid, "type");
  // Evidence that would be judged by somebody's chain instead of the endorsement.
  expect_refused(parse_tpm_answer(replaced(write_tpm_answer(answer()), "{", "{\"ak-chain\":\"AA==\",")), Code::kInvalid,
                 "isn't one of its own");
}

TEST(TpmEnrolment, MalformedMembers) {
  const std::string challenged = write_tpm_challenge(challenge());
  expect_refused(parse_tpm_challenge(replaced(challenged, "\"0102030", "\"010203")), Code::kInvalid, "id");
  expect_refused(parse_tpm_challenge(replaced(challenged, "\"expires\":\"2", "\"expires\":\"x")), Code::kInvalid,
                 "expires");
  expect_refused(parse_tpm_challenge(replaced(challenged, "\"object\":\"", "\"object\":\"=")), Code::kInvalid,
                 "object");
  const std::string identity = write_tpm_identity(simulated_identity());
  const std::string key = to_base64(simulated_identity().endorsement.sized());
  expect_refused(parse_tpm_identity(replaced(identity, key, "AAA=")), Code::kInvalid, "endorsement_key");
  expect_refused(parse_tpm_identity(replaced(identity, key, "")), Code::kInvalid, "endorsement_key");
}

TEST(TpmEnrolment, ProofIsOfTheChallengeAndTheSecret) {
  const crypto::Secret secret = secret_of("secret");
  EXPECT_EQ(tpm_answer_proof({1}, secret), tpm_answer_proof({1}, secret));
  EXPECT_NE(tpm_answer_proof({1}, secret), tpm_answer_proof({2}, secret));
  EXPECT_NE(tpm_answer_proof({1}, secret), tpm_answer_proof({1}, secret_of("secreT")));
}

// A certificate of the endorsement key by an authority of the test's; `use`: the last octets of its extended key usage.
class EndorsementCertificate : public ::testing::Test {
 protected:
  static constexpr const char* kEndorsementUse = "300706056781050801";

  Bytes certificate(const char* use, TpmIdentity& identity, Time until = kNow + days(1)) {
    const std::uint64_t seed = 77;
    identity.endorsement.key = cloister::testing::key_of_seed(seed).public_key();
    cloister::testing::LeafParts parts;
    parts.extended = raw_extension("551d25", crypto::Critical::kNo, value_of(from_hex(use)));
    parts.not_after = until;
    return authority_.issue(parts, seed).der();
  }
  Status checked(const TpmIdentity& identity, TestAuthority& authority) {
    const std::array authorities{authority.certificate()};
    return check_endorsement_certificate(identity, authorities, kNow);
  }

  TestAuthority authority_{70};
  TpmIdentity identity_ = simulated_identity();
};

TEST_F(EndorsementCertificate, OfThisKeyByAnAuthorityThatIsTrusted) {
  identity_.certificate = certificate(kEndorsementUse, identity_);
  const Status status = checked(identity_, authority_);
  EXPECT_TRUE(status.ok()) << status.error().message();
}

TEST_F(EndorsementCertificate, ByAnotherAuthority) {
  identity_.certificate = certificate(kEndorsementUse, identity_);
  TestAuthority other(71);
  expect_refused(checked(identity_, other), Code::kDenied, "certificate of the endorsement key");
  EXPECT_FALSE(check_endorsement_certificate(identity_, {}, kNow).ok());
}

TEST_F(EndorsementCertificate, OfAnotherKey) {
  identity_.certificate = certificate(kEndorsementUse, identity_);
  identity_.endorsement = simulated_identity().endorsement;
  expect_refused(checked(identity_, authority_), Code::kDenied, "another endorsement key");
}

TEST_F(EndorsementCertificate, ForAnotherUse) {
  identity_.certificate = certificate("300a06082b06010505070301", identity_);
  expect_refused(checked(identity_, authority_), Code::kDenied, "isn't one for endorsement keys");
  identity_.certificate = certificate(
      "3007060567810508"
      "03",
      identity_);  // of an attestation key
  expect_refused(checked(identity_, authority_), Code::kDenied, "isn't one for endorsement keys");
}

TEST_F(EndorsementCertificate, ExpiredMissingOrNone) {
  identity_.certificate = certificate(kEndorsementUse, identity_, kNow + minutes(-1));
  expect_refused(checked(identity_, authority_), Code::kExpired, "");
  identity_.certificate = {};
  expect_refused(checked(identity_, authority_), Code::kNotFound, "no certificate");
  identity_.certificate = Bytes(100, 0x30);
  EXPECT_FALSE(checked(identity_, authority_).ok());
}

}  // namespace
}  // namespace cloister::attest
