#include "service/kbs/sessions.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

std::shared_ptr<const KbsGuest> guest() {
  return std::make_shared<const KbsGuest>(
      KbsGuest{"snp", {}, {}, {crypto::JweAlgorithm::kEcdhEsA256Kw, key_of_seed(1).public_key()}, 0});
}

class Sessions : public ::testing::Test {
 protected:
  crypto::SystemRandom random_;
  KbsSessions sessions_{{minutes(5), 4, 3}, random_};

  KbsSessions::Made begin(const std::string& source = "a", Time now = kNow) {
    return value_of(sessions_.begin("snp", KbsHash::kSha384, source, now));
  }
};

TEST_F(Sessions, ChallengeIsAnsweredOnce) {
  const auto made = begin();
  EXPECT_EQ(made.id.size(), 32U);
  EXPECT_EQ(made.challenge.nonce.size(), 44U);
  EXPECT_EQ(sessions_.tee_of(made.id, kNow), "snp");
  EXPECT_EQ(value_of(sessions_.take(made.id, kNow)).nonce, made.challenge.nonce);
  EXPECT_EQ(sessions_.tee_of(made.id, kNow), "");
  expect_refused(sessions_.take(made.id, kNow), Code::kDenied, "before");
  EXPECT_EQ(sessions_.by_cookie(made.id, kNow), nullptr);
  sessions_.admit(made.id, "token", guest(), kNow);
  EXPECT_NE(sessions_.by_cookie(made.id, kNow), nullptr);
  EXPECT_NE(sessions_.by_token("token", kNow), nullptr);
  expect_refused(sessions_.take(made.id, kNow), Code::kDenied, "before");
}

TEST_F(Sessions, NobodysCookieAndToken) {
  begin();
  expect_refused(sessions_.take("", kNow), Code::kDenied, "no such session");
  expect_refused(sessions_.take("00000000000000000000000000000000", kNow), Code::kDenied, "no such session");
  EXPECT_EQ(sessions_.by_cookie("", kNow), nullptr);
  EXPECT_EQ(sessions_.by_token("", kNow), nullptr);
  EXPECT_EQ(sessions_.tee_of("", kNow), "");
  sessions_.admit("nobody", "token", guest(), kNow);
  EXPECT_EQ(sessions_.by_token("token", kNow), nullptr);
}

TEST_F(Sessions, Ends) {
  const auto made = begin();
  const auto late = begin();
  ASSERT_TRUE(sessions_.take(made.id, kNow).ok());
  sessions_.admit(made.id, "token", guest(), kNow);
  const Time end = kNow + minutes(5);
  EXPECT_NE(sessions_.by_token("token", end + Duration{-1}), nullptr);
  EXPECT_EQ(sessions_.by_token("token", end), nullptr);
  EXPECT_EQ(sessions_.by_cookie(made.id, end), nullptr);
  EXPECT_EQ(sessions_.tee_of(made.id, end), "");
  expect_refused(sessions_.take(late.id, end), Code::kExpired, "over");
  sessions_.admit(late.id, "other", guest(), end);
  EXPECT_EQ(sessions_.by_token("other", end), nullptr);
  begin("a", end);
  EXPECT_EQ(sessions_.size(), 1U);
}

TEST_F(Sessions, FloodsAreBounded) {
  for (int i = 0; i < 3; ++i) begin("a");
  expect_refused(sessions_.begin("snp", KbsHash::kSha384, "a", kNow), Code::kUnavailable, "this address");
  begin("b");
  expect_refused(sessions_.begin("snp", KbsHash::kSha384, "c", kNow), Code::kUnavailable, "too many guests");
  EXPECT_EQ(sessions_.size(), 4U);
  begin("a", kNow + minutes(5));
}

}  // namespace
}  // namespace cloister::service
