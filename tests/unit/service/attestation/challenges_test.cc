// Challenges: one answer each, for whom and what it was made, and never too many.
#include "service/attestation/challenges.h"

#include <gtest/gtest.h>

#include "tests/support/value_of.h"

namespace cloister::service {
namespace {

constexpr Time kNow{1'800'000'000'000};
const std::string kWorker = "spiffe://acme.test/infer/1";

class ChallengesTest : public ::testing::Test {
 protected:
  Challenge make(const std::string& caller = kWorker) {
    return testing::value_of(challenges_.make(caller, "infer", kNow, random_)).challenge;
  }
  Code refusal(const Challenge& challenge, const std::string& caller, const std::string& role, Time now) {
    const Status status = challenges_.take(challenge, caller, role, now);
    EXPECT_FALSE(status.ok());
    return status.ok() ? Code::kInternal : status.error().code();
  }
  crypto::SystemRandom random_;
  Challenges challenges_{{minutes(5), 6, 3}};
};

TEST_F(ChallengesTest, AnsweredOnce) {
  const Challenge challenge = make();
  EXPECT_TRUE(challenges_.take(challenge, kWorker, "infer", kNow).ok());
  EXPECT_EQ(refusal(challenge, kWorker, "infer", kNow), Code::kDenied);
  EXPECT_EQ(challenges_.size(), 0U);
}

TEST_F(ChallengesTest, NeverMade) { EXPECT_EQ(refusal(Challenge{}, kWorker, "infer", kNow), Code::kDenied); }

TEST_F(ChallengesTest, OfAnotherCallerStaysOpen) {
  const Challenge challenge = make();
  EXPECT_EQ(refusal(challenge, "spiffe://acme.test/infer/2", "infer", kNow), Code::kDenied);
  EXPECT_TRUE(challenges_.take(challenge, kWorker, "infer", kNow).ok());
}

TEST_F(ChallengesTest, AnotherRoleUsesItUp) {
  const Challenge challenge = make();
  EXPECT_EQ(refusal(challenge, kWorker, "train", kNow), Code::kDenied);
  EXPECT_EQ(refusal(challenge, kWorker, "infer", kNow), Code::kDenied);
}

TEST_F(ChallengesTest, Late) {
  const Challenge challenge = make();
  EXPECT_EQ(refusal(challenge, kWorker, "infer", kNow + minutes(5)), Code::kExpired);
}

TEST_F(ChallengesTest, TooManyOfOneCaller) {
  for (int i = 0; i < 3; ++i) make();
  const auto refused = challenges_.make(kWorker, "infer", kNow, random_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  make("spiffe://acme.test/infer/2");
  EXPECT_TRUE(challenges_.make(kWorker, "infer", kNow + minutes(5), random_).ok());
  EXPECT_EQ(challenges_.size(), 1U);
}

TEST_F(ChallengesTest, TooManyOfAll) {
  for (int i = 0; i < 6; ++i) make("spiffe://acme.test/infer/" + std::to_string(i));
  EXPECT_FALSE(challenges_.make("spiffe://acme.test/infer/7", "infer", kNow, random_).ok());
}

}  // namespace
}  // namespace cloister::service
