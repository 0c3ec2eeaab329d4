#include "crypto/rsa_public.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/tls_target.h"

namespace cloister::crypto {
namespace {

using testing::expect_refused;
using Key = testing::TlsTargetOptions::Key;

TEST(RsaPublic, RaisesToThePowerOfTheExponent) {
  const auto key = testing::value_of(RsaPublic::of_certificate(testing::target_certificate(Key::kRsa)));
  ASSERT_EQ(key.size_bytes(), 256U);
  Bytes one(256, 0);
  one.back() = 1;
  EXPECT_EQ(testing::value_of(key.insecure_apply_unpadded(one)), one);
  Bytes two(256, 0);
  two.back() = 2;
  EXPECT_NE(testing::value_of(key.insecure_apply_unpadded(two)), two);
}

TEST(RsaPublic, BlockThatDoesNotFit) {
  const auto key = testing::value_of(RsaPublic::of_certificate(testing::target_certificate(Key::kRsa)));
  expect_refused(key.insecure_apply_unpadded(Bytes(255, 1)), Code::kInvalid, "fit");
  expect_refused(key.insecure_apply_unpadded(Bytes(256, 0xff)), Code::kInvalid, "fit");
}

TEST(RsaPublic, OtherKeysAndNoCertificate) {
  expect_refused(RsaPublic::of_certificate(testing::target_certificate(Key::kEcP256)), Code::kUnsupported, "RSA");
  expect_refused(RsaPublic::of_certificate(Bytes{0x30, 0}), Code::kInvalid, "certificate");
}

}  // namespace
}  // namespace cloister::crypto
