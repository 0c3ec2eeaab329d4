// The keys of attestation results: made once, the home's own, and never one for the other.
#include "service/attestation/result_tokens.h"

#include "crypto/jws.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using testing::value_of;

class ResultTokensTest : public ::testing::Test {
 protected:
  AuthenticSettings settings() {
    return value_of(AuthenticSettings::open(home_.keys->store(), *home_.root, home_.random, Harness::caller()));
  }
  Result<ResultTokens> open() {
    return ResultTokens::open(settings(), home_.keys->store(), home_.random, Harness::caller());
  }
  static attest::SetVerdict verdict_of(attest::Assurance assurance) {
    attest::SetVerdict verdict;
    verdict.primary.kind = attest::Kind::kSnp;
    verdict.primary.assurance = assurance;
    verdict.primary.pass("signature");
    return verdict;
  }

  Harness home_;
};

TEST_F(ResultTokensTest, SameKeysForEveryServer) {
  const ResultTokens first = value_of(open());
  const ResultTokens second = value_of(open());
  EXPECT_EQ(first.jwks(), second.jwks());
  EXPECT_EQ(home_.last_event().action, "attestation.create-result-keys");
  EXPECT_FALSE(first.key(attest::Assurance::kHardware) == first.key(attest::Assurance::kInsecureSoftware));
}

TEST_F(ResultTokensTest, WhatNothingVouchesForHasNotTheKeyOfHardware) {
  const ResultTokens tokens = value_of(open());
  for (const auto assurance :
       {attest::Assurance::kNone, attest::Assurance::kInsecureSoftware, attest::Assurance::kHardware}) {
    const auto token = value_of(crypto::Jws::parse(value_of(tokens.sign(verdict_of(assurance), {}))));
    const bool hardware = token.verified_payload(tokens.key(attest::Assurance::kHardware)).ok();
    EXPECT_EQ(hardware, assurance == attest::Assurance::kHardware);
    const Json said = Json::parse(as_text(token.unverified_payload()));
    EXPECT_EQ(said["iss"].get<std::string>(), value_of(home_.keys->store().log_server()));
  }
}

TEST_F(ResultTokensTest, DeviceOfSoftwareInAMachineOfHardware) {
  const ResultTokens tokens = value_of(open());
  attest::SetVerdict verdict = verdict_of(attest::Assurance::kHardware);
  verdict.devices.push_back(verdict_of(attest::Assurance::kInsecureSoftware).primary);
  const auto token = value_of(crypto::Jws::parse(value_of(tokens.sign(verdict, {}))));
  EXPECT_FALSE(token.verified_payload(tokens.key(attest::Assurance::kHardware)).ok());
}

TEST_F(ResultTokensTest, KeysThatTheServiceDidNotWrite) {
  ASSERT_TRUE(open().ok());
  home_.sql("UPDATE settings SET value = replace(value, 'hardware', 'other') WHERE name = 'attestation_results'");
  EXPECT_EQ(open().error().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace cloister::service
