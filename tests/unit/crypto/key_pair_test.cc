// Key pairs for others: each kind signs and verifies, and nothing else does.
#include "crypto/key_pair.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/support/hex.h"
#include "tests/support/value_of.h"

namespace cloister::crypto {
namespace {

using enum SignatureAlgorithm;

struct Kind {
  PairKind kind;
  SignatureAlgorithm algorithm;
};
constexpr Kind kKinds[] = {{PairKind::kP256, kEcdsaSha256},     {PairKind::kP384, kEcdsaSha384},
                           {PairKind::kEd25519, kEd25519},      {PairKind::kRsa2048, kRsaPssSha256},
                           {PairKind::kRsa2048, kRsaPssSha512}, {PairKind::kRsa2048, kRsaPkcs1Sha384}};
const Bytes kMessage = {'m', 's', 'g'};

TEST(MadePair, SignsAndVerifies) {
  for (const Kind& one : kKinds) {
    const MadePair pair = testing::value_of(generate_key_pair(one.kind));
    const Bytes signature = testing::value_of(sign_with(pair.private_key, one.algorithm, Signed::kMessage, kMessage));
    EXPECT_TRUE(verify_with(pair.public_key, one.algorithm, Signed::kMessage, kMessage, signature).ok());
    // The other code that reads public keys here agrees.
    EXPECT_TRUE(
        testing::value_of(PublicKey::from_spki(pair.public_key)).verify(one.algorithm, kMessage, signature).ok());
    Bytes changed = signature;
    changed[changed.size() / 2] ^= 1;
    EXPECT_EQ(verify_with(pair.public_key, one.algorithm, Signed::kMessage, kMessage, changed).error().code(),
              Code::kCorrupt);
    const MadePair other = testing::value_of(generate_key_pair(one.kind));
    EXPECT_EQ(verify_with(other.public_key, one.algorithm, Signed::kMessage, kMessage, signature).error().code(),
              Code::kCorrupt);
  }
}

TEST(MadePair, DigestAndMessageAreTheSameSignature) {
  const Sha256Digest digest = sha256(kMessage);
  for (const Kind& one : {kKinds[0], kKinds[3]}) {
    const MadePair pair = testing::value_of(generate_key_pair(one.kind));
    const Bytes signature = testing::value_of(sign_with(pair.private_key, one.algorithm, Signed::kDigest, digest));
    EXPECT_TRUE(verify_with(pair.public_key, one.algorithm, Signed::kMessage, kMessage, signature).ok());
    EXPECT_TRUE(verify_with(pair.public_key, one.algorithm, Signed::kDigest, digest, signature).ok());
    EXPECT_EQ(sign_with(pair.private_key, one.algorithm, Signed::kDigest, kMessage).error().code(), Code::kInvalid);
  }
}

TEST(MadePair, WhatDoesNotFit) {
  const MadePair edwards = testing::value_of(generate_key_pair(PairKind::kEd25519));
  EXPECT_EQ(sign_with(edwards.private_key, kEd25519, Signed::kDigest, sha256(kMessage)).error().code(), Code::kInvalid);
  EXPECT_EQ(sign_with(edwards.private_key, kEcdsaSha256, Signed::kMessage, kMessage).error().code(), Code::kInvalid);
  EXPECT_EQ(sign_with(Secret::copy_of(kMessage), kEd25519, Signed::kMessage, kMessage).error().code(), Code::kInvalid);
  EXPECT_EQ(verify_with(kMessage, kEd25519, Signed::kMessage, kMessage, kMessage).error().code(), Code::kInvalid);
}

// RFC 4231, test case 2.
TEST(MadePair, HmacOfRfc4231) {
  const Secret key = Secret::copy_of(as_bytes("Jefe"));
  const ByteView data = as_bytes("what do ya want for nothing?");
  EXPECT_EQ(to_hex(hmac_sha2(256, key, data)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha2(384, key, data)),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(to_hex(hmac_sha2(512, key, data)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
            "caeab1a34d4a6b4b636e070a38bce737");
}

}  // namespace
}  // namespace cloister::crypto
