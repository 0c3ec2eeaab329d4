#include "service/vault/tokens.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::service {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'800'000'000'000};
constexpr const char* kCaller = "spiffe://acme.test/acme/trainer";

class Tokens : public ::testing::Test {
 protected:
  struct Held {
    std::string text;
    VaultToken token;
  };
  Held make(Time ends = {}, const char* caller = kCaller) {
    VaultToken token;
    token.caller = caller;
    token.ends = ends;
    const VaultTokens::Made made = value_of(tokens_.make(std::move(token), kNow));
    return {std::string(as_text(made.text)), made.token};
  }
  crypto::SystemRandom random_;
  VaultTokens tokens_{{.lifetime = minutes(10), .ends_after = minutes(25), .tokens_max = 4, .of_caller_max = 3},
                      random_};
};

TEST_F(Tokens, FoundUntilItExpires) {
  const auto made = make();
  EXPECT_EQ(made.text.size(), 47U);
  EXPECT_TRUE(made.text.starts_with("hvs."));
  EXPECT_EQ(made.token.accessor.size(), 32U);
  ASSERT_TRUE(tokens_.find(made.text, kNow + minutes(9)));
  EXPECT_EQ(tokens_.find(made.text, kNow)->caller, kCaller);
  EXPECT_FALSE(tokens_.find(made.text, kNow + minutes(10)));
  EXPECT_FALSE(tokens_.find(made.text + "x", kNow));
  EXPECT_FALSE(tokens_.find("", kNow));
  EXPECT_NE(make().text, made.text);
}

TEST_F(Tokens, RenewedAsFarAsItGoes) {
  const auto made = make();
  EXPECT_EQ(tokens_.renew(made.text, kNow + minutes(9))->expires, kNow + minutes(19));
  EXPECT_EQ(tokens_.renew(made.text, kNow + minutes(18))->expires, kNow + minutes(25));
  EXPECT_EQ(tokens_.renew(made.text, kNow + minutes(24))->expires, kNow + minutes(25));
  EXPECT_FALSE(tokens_.renew(made.text, kNow + minutes(25)));
  EXPECT_FALSE(tokens_.renew("hvs.none", kNow));
}

TEST_F(Tokens, NotBeyondItsProof) {
  const auto made = make(kNow + minutes(5));
  EXPECT_EQ(made.token.expires, kNow + minutes(5));
  EXPECT_EQ(tokens_.renew(made.text, kNow + minutes(4))->expires, kNow + minutes(5));
  EXPECT_EQ(make(kNow + days(9)).token.ends, kNow + minutes(25));
}

TEST_F(Tokens, Revoked) {
  const auto made = make();
  const auto other = make();
  tokens_.revoke(made.text);
  tokens_.revoke(made.text);
  EXPECT_FALSE(tokens_.find(made.text, kNow));
  EXPECT_TRUE(tokens_.find(other.text, kNow));
  EXPECT_EQ(tokens_.size(), 1U);
}

TEST_F(Tokens, TheOldestOfACallerGoes) {
  const auto first = make();
  const auto second = make();
  make();
  make();
  EXPECT_FALSE(tokens_.find(first.text, kNow));
  EXPECT_TRUE(tokens_.find(second.text, kNow));
  EXPECT_EQ(tokens_.size(), 3U);
}

TEST_F(Tokens, FullOnlyWhileTheyLast) {
  for (int i = 0; i < 3; ++i) make();
  make({}, "spiffe://acme.test/acme/other");
  VaultToken token;
  token.caller = "spiffe://acme.test/acme/third";
  expect_refused(tokens_.make(token, kNow), Code::kUnavailable, "too many");
  EXPECT_TRUE(tokens_.make(token, kNow + minutes(10)).ok());
  EXPECT_EQ(tokens_.size(), 1U);
}

}  // namespace
}  // namespace cloister::service
