#include "crypto/secret_sharing.h"

#include <gtest/gtest.h>

#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

KeyMaterial key_of(std::string_view hex) { return testing::key_of(testing::unhex(hex)); }

std::string text_of(const KeyMaterial& key) { return to_hex(key.secret().expose()); }

std::vector<KeyShare> some_of(const std::vector<KeyShare>& all, std::initializer_list<std::size_t> which) {
  std::vector<KeyShare> some;
  for (const std::size_t i : which) some.push_back(KeyShare{all[i].index, all[i].value.duplicate()});
  return some;
}

class SecretSharing : public ::testing::Test {
 protected:
  testing::DeterministicRandom random_{3};
  KeyMaterial key_ = KeyMaterial::random(random_);
};

TEST_F(SecretSharing, AnyThresholdOfThemMakeTheKey) {
  const auto shares = split_key(key_, 5, 3, random_).value();
  ASSERT_EQ(shares.size(), 5U);
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      for (std::size_t c = 0; c < 5; ++c) {
        if (a == b || b == c || a == c) continue;
        EXPECT_EQ(text_of(combine_shares(some_of(shares, {a, b, c})).value()), text_of(key_));
      }
    }
  }
  EXPECT_EQ(text_of(combine_shares(shares).value()), text_of(key_));
}

TEST_F(SecretSharing, FewerMakeAnotherKey) {
  const auto shares = split_key(key_, 5, 3, random_).value();
  EXPECT_NE(text_of(combine_shares(some_of(shares, {0, 1})).value()), text_of(key_));
  EXPECT_NE(text_of(combine_shares(some_of(shares, {3, 4})).value()), text_of(key_));
  for (const KeyShare& share : shares) EXPECT_NE(text_of(share.value), text_of(key_));
}

TEST_F(SecretSharing, WrongShareMakesAnotherKey) {
  const auto shares = split_key(key_, 3, 2, random_).value();
  auto two = some_of(shares, {0, 1});
  two[1].index = 3;
  EXPECT_NE(text_of(combine_shares(two).value()), text_of(key_));
  two = some_of(shares, {0, 1});
  two[1].value = KeyMaterial::random(random_);
  EXPECT_NE(text_of(combine_shares(two).value()), text_of(key_));
}

TEST_F(SecretSharing, AsManyAsTheFieldHas) {
  const auto shares = split_key(key_, 255, 255, random_).value();
  EXPECT_EQ(shares.back().index, 255);
  EXPECT_EQ(text_of(combine_shares(shares).value()), text_of(key_));
}

TEST_F(SecretSharing, NumbersThatShareNothing) {
  for (const auto& [count, threshold] :
       {std::pair{3U, 0U}, {3U, 1U}, {1U, 1U}, {0U, 0U}, {2U, 3U}, {256U, 2U}, {256U, 256U}}) {
    const auto refused = split_key(key_, count, threshold, random_);
    ASSERT_FALSE(refused.ok()) << threshold << " of " << count;
    EXPECT_EQ(refused.error().code(), Code::kInvalid);
  }
}

TEST_F(SecretSharing, SharesThatLieOnNoPolynomial) {
  const auto shares = split_key(key_, 3, 2, random_).value();
  EXPECT_FALSE(combine_shares({}).ok());
  EXPECT_FALSE(combine_shares(some_of(shares, {0})).ok());
  const auto twice = combine_shares(some_of(shares, {0, 1, 0}));
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.error().message().find("share 1 is there twice"), std::string::npos);
  auto at_zero = some_of(shares, {0, 1});
  at_zero[0].index = 0;
  EXPECT_FALSE(combine_shares(at_zero).ok());
}

// Made by shamir.Split of github.com/hashicorp/vault v1.21.4: 3 of 5. There the index follows the share's bytes.
TEST(SecretSharingVectors, SharesOfHashiCorpVault) {
  const std::string key = "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc";
  const std::vector<std::pair<std::string, std::uint8_t>> made = {
      {"f75f45263602dc059429a7acff24e0741df51dc63726fa02b9dcbd00b6e4a2a2", 0xf6},
      {"7e33cf735c7ac61750cd44441a3d5ba4d1a29a99a4f6256c7a729f20bd8b62b5", 0x97},
      {"db09a62882cb5e807eb4f90cf0988ee961efd64a322010181a7840053c338eb3", 0x18},
      {"d59c5f766ff0fce00cff0c7b8bc0c0ad387521fb51d9dec8e9122ab5f23b32fe", 0xc6},
      {"e0dd5a6f85b943185ba1d80e8fc485bed18a54ba31197ba2a6580375757f11cc", 0x58}};
  std::vector<KeyShare> shares;
  for (const auto& [value, index] : made) shares.push_back(KeyShare{index, key_of(value)});
  EXPECT_EQ(text_of(combine_shares(some_of(shares, {0, 1, 2})).value()), key);
  EXPECT_EQ(text_of(combine_shares(some_of(shares, {4, 2, 3})).value()), key);
  EXPECT_EQ(text_of(combine_shares(shares).value()), key);
  EXPECT_NE(text_of(combine_shares(some_of(shares, {1, 3})).value()), key);
}

}  // namespace
}  // namespace cloister::crypto
