#include "crypto/kem.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::key_of;
using cloister::testing::ScriptedRandom;
using cloister::testing::unhex;

struct XWingAnswer {
  std::string_view seed, encapsulation_seed, shared_secret;
  std::string_view public_key_start, public_key_end, encapsulated_start, encapsulated_end;
};

// draft-connolly-cfrg-xwing-kem-08, appendix C. Of keys and ciphertexts the ends; the shared secret covers the rest.
constexpr XWingAnswer kXWingAnswers[] = {
    {"7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
     "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2"
     "35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
     "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384", "e2236b35a8c24b39b10aa1323a96a919",
     "eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534", "b83aa828d4d62b9a83ceffe1d3d3bb1e",
     "7f31ed6f7cb1600de56f17576740ce2a32fc5145030145cfb97e63e0e41d354274a079d3e6fb2e15"},
    {"badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
     "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef"
     "aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
     "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150", "0333285fa253661508c9fb444852caa4",
     "cbb48fd4c562a576549f85b528c953926d96ea8a160b8843f1c89c62", "c93beb22326705699bbc3d1d0aa6339b",
     "00342d123f618aa8c91bdf6e0e03200693c9651e469aee6f91c98bea4127ae66312f4ae3ea155b67"},
    {"ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
     "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619"
     "f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
     "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f", "36244278824f77c621c660892c1c3886",
     "c1c013747dfee80fb35b5299f555dcc2b787ea4f6f16ffdf66952461", "0d2e38cbf17a2e2e4e0c87a94ca1e770",
     "ca934f541d4cc520fa64de6b6e1c3c8e03db5971a445992227c825590688d203523f527161137334"},
};

TEST(XWing, KnownAnswers) {
  for (const XWingAnswer& answer : kXWingAnswers) {
    const KeyMaterial seed = key_of(unhex(answer.seed));
    const auto public_key = kem_public_key(HpkeKem::kXWing, seed);
    ASSERT_TRUE(public_key.ok());
    ASSERT_EQ(public_key->size(), 1216U);
    EXPECT_TRUE(to_hex(*public_key).starts_with(answer.public_key_start));
    EXPECT_TRUE(to_hex(*public_key).ends_with(answer.public_key_end));

    ScriptedRandom random(unhex(answer.encapsulation_seed));
    const auto sent = kem_encapsulate(HpkeKem::kXWing, *public_key, random);
    ASSERT_TRUE(sent.ok());
    EXPECT_EQ(random.remaining(), 0U);
    ASSERT_EQ(sent->encapsulated.size(), 1120U);
    EXPECT_TRUE(to_hex(sent->encapsulated).starts_with(answer.encapsulated_start));
    EXPECT_TRUE(to_hex(sent->encapsulated).ends_with(answer.encapsulated_end));
    EXPECT_EQ(to_hex(sent->shared_secret.expose()), answer.shared_secret);

    const auto received = kem_decapsulate(HpkeKem::kXWing, seed, *public_key, sent->encapsulated);
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(to_hex(received->expose()), answer.shared_secret);
  }
}

class EveryKem : public ::testing::TestWithParam<HpkeKem> {
 protected:
  DeterministicRandom random_{3};
  KeyMaterial seed_ = KeyMaterial::random(random_);
  Bytes public_key_ = kem_public_key(GetParam(), seed_).value();
};

TEST_P(EveryKem, BothSidesShareASecret) {
  const auto sent = kem_encapsulate(GetParam(), public_key_, random_);
  ASSERT_TRUE(sent.ok());
  const auto received = kem_decapsulate(GetParam(), seed_, public_key_, sent->encapsulated);
  ASSERT_TRUE(received.ok());
  EXPECT_TRUE(equal_constant_time(sent->shared_secret.expose(), received->expose()));
}

TEST_P(EveryKem, AChangedEncapsulationSharesNothing) {
  const auto sent = kem_encapsulate(GetParam(), public_key_, random_);
  for (std::size_t at = 0; at < sent->encapsulated.size(); at += 31) {
    Bytes changed = sent->encapsulated;
    changed[at] ^= 1;
    const auto received = kem_decapsulate(GetParam(), seed_, public_key_, changed);
    EXPECT_FALSE(received.ok() && equal_constant_time(sent->shared_secret.expose(), received->expose())) << at;
  }
}

TEST_P(EveryKem, RefusesOtherSizes) {
  const auto sent = kem_encapsulate(GetParam(), public_key_, random_);
  Bytes longer = sent->encapsulated;
  longer.push_back(0);
  const ByteView shorter = ByteView(sent->encapsulated).first(sent->encapsulated.size() - 1);
  EXPECT_EQ(kem_decapsulate(GetParam(), seed_, public_key_, longer).error().code(), Code::kDenied);
  EXPECT_EQ(kem_decapsulate(GetParam(), seed_, public_key_, shorter).error().code(), Code::kDenied);
  EXPECT_EQ(kem_decapsulate(GetParam(), seed_, public_key_, {}).error().code(), Code::kDenied);
  longer = public_key_;
  longer.push_back(0);
  EXPECT_EQ(kem_check_public_key(GetParam(), longer).error().code(), Code::kInvalid);
  EXPECT_EQ(kem_check_public_key(GetParam(), {}).error().code(), Code::kInvalid);
}

// The points of small order of Curve25519 and its twist, with their non-canonical forms (RFC 7748 6.1, and
// https://cr.yp.to/ecdh.html).
constexpr std::string_view kLowOrderPoints[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

TEST_P(EveryKem, RefusesPointsOfLowOrder) {
  const auto sent = kem_encapsulate(GetParam(), public_key_, random_);
  for (const std::string_view text : kLowOrderPoints) {
    const Bytes point = unhex(text);
    Bytes public_key = public_key_;
    std::ranges::copy(point, public_key.end() - 32);
    EXPECT_EQ(kem_check_public_key(GetParam(), public_key).error().code(), Code::kInvalid) << text;
    EXPECT_FALSE(kem_encapsulate(GetParam(), public_key, random_).ok()) << text;
    Bytes encapsulated = sent->encapsulated;
    std::ranges::copy(point, encapsulated.end() - 32);
    EXPECT_FALSE(kem_decapsulate(GetParam(), seed_, public_key_, encapsulated).ok()) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Kem, EveryKem, ::testing::Values(HpkeKem::kX25519, HpkeKem::kXWing));

TEST(XWing, RefusesAnMlKemKeyWithACoefficientTooLarge) {
  DeterministicRandom random(4);
  Bytes public_key = kem_public_key(HpkeKem::kXWing, KeyMaterial::random(random)).value();
  public_key[0] = 0xff;
  public_key[1] |= 0x0f;
  EXPECT_EQ(kem_check_public_key(HpkeKem::kXWing, public_key).error().code(), Code::kInvalid);
  EXPECT_FALSE(kem_encapsulate(HpkeKem::kXWing, public_key, random).ok());
}

}  // namespace
}  // namespace cloister::crypto
