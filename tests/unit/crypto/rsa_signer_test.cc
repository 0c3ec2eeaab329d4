#include "crypto/rsa_signer.h"

#include "crypto/jws.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/rsa_key.h"

namespace cloister::crypto {
namespace {

using testing::expect_refused;
using testing::value_of;

TEST(RsaSigner, WhatItSignsIsItsPublicKeys) {
  const auto signer = value_of(RsaSigner::from_pkcs8(testing::rsa_key_der()));
  const Bytes signature = value_of(signer->sign(as_bytes("message")));
  const PublicKey& key = signer->public_key();
  EXPECT_TRUE(key.verify(SignatureAlgorithm::kRsaPkcs1Sha256, as_bytes("message"), signature).ok());
  EXPECT_FALSE(key.verify(SignatureAlgorithm::kRsaPkcs1Sha256, as_bytes("massage"), signature).ok());
  EXPECT_FALSE(key.verify(SignatureAlgorithm::kRsaPssSha256, as_bytes("message"), signature).ok());
}

TEST(RsaSigner, TokenThatTheKeyVerifies) {
  const auto signer = value_of(RsaSigner::from_pkcs8_pem(Secret::copy_of(as_bytes(testing::rsa_key_pem()))));
  const std::string token = value_of(sign_jws({JwsAlgorithm::kRs256, "k1", "JWT"}, as_bytes("{}"), *signer));
  const Jws parsed = value_of(Jws::parse(token));
  EXPECT_EQ(parsed.header().algorithm, JwsAlgorithm::kRs256);
  EXPECT_EQ(parsed.header().key_id, "k1");
  EXPECT_TRUE(parsed.verified_payload(signer->public_key()).ok());
}

TEST(RsaSigner, AlgorithmOfAnotherKey) {
  const auto signer = value_of(RsaSigner::from_pkcs8(testing::rsa_key_der()));
  for (const JwsAlgorithm algorithm : {JwsAlgorithm::kEs256, JwsAlgorithm::kRs512, JwsAlgorithm::kPs256}) {
    expect_refused(sign_jws({algorithm, {}, {}}, as_bytes("{}"), *signer), Code::kInvalid, "RS256");
  }
  MemorySigner other{testing::key_of_seed(5)};
  expect_refused(sign_jws({JwsAlgorithm::kRs256, {}, {}}, as_bytes("{}"), other), Code::kInvalid, "RS256");
}

TEST(RsaSigner, KeyTooShort) { EXPECT_FALSE(RsaSigner::from_pkcs8(testing::weak_rsa_key_der()).ok()); }

TEST(RsaSigner, KeyOfAnotherKind) {
  expect_refused(RsaSigner::from_pkcs8(testing::key_of_seed(5).to_pkcs8()), Code::kUnsupported, "another kind");
}

TEST(RsaSigner, DamagedKey) {
  const Secret good = testing::rsa_key_der();
  Secret cut = Secret::copy_of(good.expose().first(good.size() - 1));
  expect_refused(RsaSigner::from_pkcs8(cut), Code::kInvalid, "RSA private key");
  Secret changed = Secret::copy_of(good.expose());
  changed.expose_mutable()[100] ^= 1;  // of the modulus: the public part is another key's
  expect_refused(RsaSigner::from_pkcs8(changed), Code::kInvalid, "malformed");
  expect_refused(RsaSigner::from_pkcs8(Secret(16)), Code::kInvalid, "RSA private key");
  expect_refused(RsaSigner::from_pkcs8_pem(Secret::copy_of(as_bytes("no PEM"))), Code::kInvalid, "PEM");
}

}  // namespace
}  // namespace cloister::crypto
