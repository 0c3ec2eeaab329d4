#include "identity/join_token.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

class JoinToken : public ::testing::Test {
 protected:
  JoinToken() : made_(value_of(create_join_token(id_of(), kNow, hours(1), random_))) {}
  std::string text() const { return std::string(as_text(made_.text.expose())); }

  DeterministicRandom random_{1};
  NewJoinToken made_;
};

TEST_F(JoinToken, IsGoodOnce) {
  EXPECT_TRUE(text().starts_with("cljoin_"));
  EXPECT_EQ(text().size(), 55U);
  EXPECT_EQ(made_.stored.id, id_of());
  EXPECT_EQ(made_.stored.expires, kNow + hours(1));
  EXPECT_EQ(value_of(join_token_hash(made_.text)), made_.stored.hash);
  const StoredJoinToken used = value_of(redeem_join_token(made_.stored, made_.text, kNow + minutes(1)));
  EXPECT_EQ(used.used, kNow + minutes(1));
  expect_refused(redeem_join_token(used, made_.text, kNow + minutes(2)), Code::kDenied, "was used at");
}

// docs/formats/identity.md has this example.
TEST_F(JoinToken, KnownAnswer) {
  ScriptedRandom random(unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  const NewJoinToken token = value_of(create_join_token(id_of(), kNow, hours(1), random));
  EXPECT_EQ(as_text(token.text.expose()), "cljoin_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9Oed1G");
  EXPECT_EQ(to_hex(token.stored.hash), "6fb09170a12804b31ca3ee12a6b0d7093d3c5fd3b4ced9d05cd91400715a051f");
}

TEST_F(JoinToken, Expired) {
  EXPECT_TRUE(redeem_join_token(made_.stored, made_.text, kNow + hours(1) + Duration{-1}).ok());
  expect_refused(redeem_join_token(made_.stored, made_.text, kNow + hours(1)), Code::kExpired, "expired at");
}

TEST_F(JoinToken, OfSomebodyElse) {
  const NewJoinToken other = value_of(create_join_token(id_of(), kNow, hours(1), random_));
  expect_refused(redeem_join_token(made_.stored, other.text, kNow), Code::kDenied, "isn't known");
  EXPECT_NE(other.stored.hash, made_.stored.hash);
}

TEST_F(JoinToken, MistypedOrCut) {
  for (std::size_t i = 0; i < text().size(); ++i) {
    std::string changed = text();
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    ASSERT_EQ(join_token_hash(secret_of(changed)).error().code(), Code::kInvalid) << i;
    ASSERT_EQ(join_token_hash(secret_of(text().substr(0, i))).error().code(), Code::kInvalid) << i;
  }
  for (const std::string& other : {text() + "\n", " " + text(), text() + "A", std::string("cljoin_")}) {
    expect_refused(redeem_join_token(made_.stored, secret_of(other), kNow), Code::kInvalid, "no join token");
  }
}

TEST_F(JoinToken, RefusalsDoNotShowIt) {
  std::string changed = text();
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  for (const Error& error :
       {join_token_hash(secret_of(changed)).error(), join_token_hash(secret_of("cljoin_x")).error(),
        redeem_join_token(made_.stored, made_.text, kNow + days(1)).error()}) {
    EXPECT_EQ(error.message().find(changed.substr(8, 10)), std::string::npos);
    EXPECT_EQ(error.message().find(text().substr(8, 10)), std::string::npos);
  }
}

TEST_F(JoinToken, ForWhatNoTokenIs) {
  expect_refused(create_join_token(id_of("spiffe://example.org"), kNow, hours(1), random_), Code::kInvalid,
                 "trust domain");
  for (const Duration lifetime : {Duration{0}, seconds(-1), Duration{days(7).ms + 1}}) {
    expect_refused(create_join_token(id_of(), kNow, lifetime, random_), Code::kInvalid, "7 days");
  }
  EXPECT_TRUE(create_join_token(id_of(), kNow, days(7), random_).ok());
}

}  // namespace
}  // namespace cloister::identity
