#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::key_of;
using cloister::testing::unhex;

// RFC 8032 7.1, tests 1 and 2.
TEST(Ed25519, KnownAnswers) {
  const auto empty =
      SigningKey::from_seed(key_of(unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")));
  EXPECT_EQ(to_hex(empty.public_key()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(
      to_hex(empty.sign({})),
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
      "be24655141438e7a100b");
  const auto one =
      SigningKey::from_seed(key_of(unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")));
  EXPECT_EQ(
      to_hex(one.sign(Bytes{0x72})),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
      "2aeeb00d291612bb0c00");
}

TEST(Ed25519, VerifiesItsOwnAndNothingElse) {
  DeterministicRandom random(1);
  const SigningKey key = SigningKey::generate(random);
  const SigningKey other = SigningKey::generate(random);
  const Ed25519Signature signature = key.sign(as_bytes("message"));
  EXPECT_TRUE(verify_ed25519(key.public_key(), as_bytes("message"), signature).ok());
  EXPECT_EQ(verify_ed25519(key.public_key(), as_bytes("messagf"), signature).error().code(), Code::kCorrupt);
  EXPECT_FALSE(verify_ed25519(key.public_key(), {}, signature).ok());
  EXPECT_FALSE(verify_ed25519(other.public_key(), as_bytes("message"), signature).ok());
  EXPECT_FALSE(verify_ed25519(key.public_key(), as_bytes("message"), {}).ok());
  EXPECT_FALSE(verify_ed25519(key.public_key(), as_bytes("message"), ByteView(signature).first(63)).ok());
  Bytes longer(signature.begin(), signature.end());
  longer.push_back(0);
  EXPECT_FALSE(verify_ed25519(key.public_key(), as_bytes("message"), longer).ok());
  for (std::size_t bit = 0; bit < 512; bit += 3) {
    Ed25519Signature changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(verify_ed25519(key.public_key(), as_bytes("message"), changed).ok()) << bit;
  }
}

}  // namespace
}  // namespace cloister::crypto
