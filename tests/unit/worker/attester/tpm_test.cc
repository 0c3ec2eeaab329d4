// With a TPM in software, end to end: keys, credential, quote, verdict.
#include "worker/attester/tpm.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attest/tpm/credential.h"
#include "attest/verifier.h"
#include "crypto/hash.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/locked_down.h"
#include "tests/support/swtpm.h"
#include "tests/support/verdicts.h"

namespace cloister::worker {
namespace {

using attest::Verdict;
using cloister::testing::expect_only;
using cloister::testing::expect_passed_but;
using cloister::testing::expect_refused;
using cloister::testing::kNow;
using cloister::testing::secret_of;
using cloister::testing::Swtpm;
using cloister::testing::value_of;

const Bytes kReportData(64, 0x3C);

class TpmAttesterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TSS2_LOG", "all+none", 1);  // its own words about what is refused here on purpose
    tpm_ = Swtpm::start();
    if (tpm_ == nullptr) GTEST_SKIP() << "swtpm isn't installed";
    auto opened = TpmDevice::open(tpm_->transport());
    if (!opened.ok() && opened.error().code() == Code::kUnsupported) GTEST_SKIP() << opened.error().message();
    device_ = value_of(std::move(opened));
  }

  attest::TpmPublic attestation() const { return value_of(attest::parse_tpm_public(device_->attestation_key())); }
  attest::TpmPublic endorsement() const { return value_of(attest::parse_tpm_public(device_->endorsement_key())); }

  // What an operator does once for each machine.
  attest::Collateral enrol() {
    crypto::SystemRandom random;
    const crypto::Secret credential = secret_of("one that only this TPM opens");
    const auto sealed = value_of(attest::make_tpm_credential(endorsement(), attestation(), credential, random));
    const crypto::Secret opened = value_of(device_->activate(sealed));
    CLOISTER_CHECK(crypto::equal_constant_time(opened.expose(), credential.expose()));
    attest::Collateral collateral;
    collateral.add(attest::tpm_endorsement(attestation(), kNow));
    return collateral;
  }

  std::unique_ptr<Swtpm> tpm_;
  std::unique_ptr<TpmDevice> device_;
  LockedDown locked_ = LockedDownForTests::make();
};

TEST_F(TpmAttesterTest, FromTheTpmToTheVerdict) {
  const attest::Collateral collateral = enrol();
  TpmAttester attester(std::move(device_));
  EXPECT_EQ(attester.kind(), attest::Kind::kTpm);
  const attest::Evidence evidence = value_of(attester.collect(locked_, kReportData));
  const Verdict verdict = verify(evidence, {.now = kNow, .report_data = kReportData, .collateral = &collateral});
  expect_passed_but(verdict, {});
  EXPECT_TRUE(verdict.sound());
  // It says itself that it is swtpm.
  EXPECT_EQ(verdict.assurance, attest::Assurance::kInsecureSoftware);
  EXPECT_EQ(verdict.claims.at("tpm.software"), attest::ClaimValue(true));
  EXPECT_EQ(verdict.claims.at("tpm.pcr14"), attest::ClaimValue(Bytes(32)));
  const Bytes other(64, 0x3D);
  expect_only(verify(evidence, {.now = kNow, .report_data = other, .collateral = &collateral}), "report-data",
              attest::Reason::kNonceMismatch);
  const attest::Collateral nothing;
  expect_passed_but(verify(evidence, {.now = kNow, .report_data = kReportData, .collateral = &nothing}),
                    {"endorsement"});
}

TEST_F(TpmAttesterTest, TheSameKeysEachTime) {
  const Bytes ak = device_->attestation_key(), ek = device_->endorsement_key();
  EXPECT_TRUE(attestation().attests());
  EXPECT_TRUE(endorsement().endorses());
  device_.reset();
  device_ = value_of(TpmDevice::open(tpm_->transport()));
  EXPECT_EQ(device_->attestation_key(), ak);
  EXPECT_EQ(device_->endorsement_key(), ek);
}

TEST_F(TpmAttesterTest, TpmWithoutACertificate) {
  EXPECT_TRUE(value_of(device_->endorsement_certificate()).empty());
  EXPECT_TRUE(device_->quote(kReportData, {0}).ok());
  tpm_.reset();
  expect_refused(device_->endorsement_certificate(), Code::kUnavailable, "certificate");
}

TEST_F(TpmAttesterTest, CredentialOfAnotherTpmOrKey) {
  const auto other = Swtpm::start();
  const auto other_device = value_of(TpmDevice::open(other->transport()));
  const auto other_ek = value_of(attest::parse_tpm_public(other_device->endorsement_key()));
  const auto other_ak = value_of(attest::parse_tpm_public(other_device->attestation_key()));
  EXPECT_NE(other_ak.name(), attestation().name());
  crypto::SystemRandom random;
  const crypto::Secret secret = secret_of("secret");
  const auto theirs = value_of(attest::make_tpm_credential(other_ek, attestation(), secret, random));
  expect_refused(device_->activate(theirs), Code::kDenied, "open a credential");
  const auto other_key = value_of(attest::make_tpm_credential(endorsement(), other_ak, secret, random));
  expect_refused(device_->activate(other_key), Code::kDenied, "open a credential");
  auto changed = value_of(attest::make_tpm_credential(endorsement(), attestation(), secret, random));
  EXPECT_TRUE(device_->activate(changed).ok());
  changed.object.back() ^= 1;
  expect_refused(device_->activate(changed), Code::kDenied, "open a credential");
  expect_refused(device_->activate({Bytes(4000), {}}), Code::kInvalid, "longer");
  EXPECT_TRUE(device_->quote(kReportData, {0}).ok());  // nothing is left behind that keeps it from going on
}

TEST_F(TpmAttesterTest, RegistersAndAnswersThatDontFit) {
  EXPECT_EQ(device_->extra_size_max(), 64U);
  expect_refused(device_->quote(Bytes(65), {0}), Code::kInvalid, "carry that much");
  for (const std::vector<std::uint8_t>& registers : {std::vector<std::uint8_t>{}, {24}, {1, 0}, {3, 3}}) {
    expect_refused(device_->quote(kReportData, registers), Code::kInvalid, "0 to 23");
  }
  std::vector<std::uint8_t> all;
  for (std::uint8_t i = 0; i < 24; ++i) all.push_back(i);
  EXPECT_EQ(value_of(device_->quote(kReportData, all)).values.size(), 24U * 32);
  TpmAttester attester(std::move(device_));
  expect_refused(attester.collect(locked_, Bytes(65)), Code::kInvalid, "64 bytes");
}

TEST_F(TpmAttesterTest, TpmThatIsGone) {
  tpm_.reset();
  expect_refused(device_->quote(kReportData, {0}), Code::kUnavailable, "read the TPM's registers");
  expect_refused(TpmDevice::open("swtpm:host=127.0.0.1,port=1"), Code::kUnavailable, "reach the TPM");
}

}  // namespace
}  // namespace cloister::worker
