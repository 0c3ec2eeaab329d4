// OCSP responses about certificates of ours: whose word they are, about whom, how the issuer must be named, and
// requests.
#include "crypto/ocsp.h"

#include <gtest/gtest.h>

#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/ocsp_maker.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

class CryptoOcspTest : public ::testing::Test {
 protected:
  OcspParts parts() {
    OcspParts parts{leaf_.facts().serial, 0x80, kNow + minutes(-5), kNow + hours(1)};
    parts.issuer = authority_.certificate();
    return parts;
  }
  Result<OcspAnswer> verify(const Bytes& response, Time now = kNow) {
    CLOISTER_TRY(const OcspResponse parsed, parse_ocsp(response));
    return verify_ocsp(parsed, leaf_, authority_.certificate(), now);
  }

  TestAuthority authority_{1};
  TestAuthority stranger_{2};
  Certificate leaf_ = authority_.issue();
};

TEST_F(CryptoOcspTest, GoodOfItsIssuer) {
  const auto answer = value_of(verify(make_ocsp(parts(), authority_.signer())));
  EXPECT_EQ(answer.state, OcspState::kGood);
  EXPECT_EQ(answer.next_update->unix_ms, (kNow + hours(1)).unix_ms);
}

TEST_F(CryptoOcspTest, SerialWithALeadingZero) {
  OcspParts zero = parts();
  zero.serial.insert(zero.serial.begin(), 0);
  // Not in its shortest form unless the first bit of the number is set.
  expect_refused(verify(make_ocsp(zero, authority_.signer())), Code::kInvalid, "OCSP");
}

TEST_F(CryptoOcspTest, Revoked) {
  OcspParts revoked = parts();
  revoked.state = 0xA1;
  EXPECT_EQ(value_of(verify(make_ocsp(revoked, authority_.signer()))).state, OcspState::kRevoked);
}

TEST_F(CryptoOcspTest, OnHoldIsRevoked) {
  OcspParts held = parts();
  held.state = 0xA1;
  held.reason = 6;
  EXPECT_EQ(value_of(verify(make_ocsp(held, authority_.signer()))).state, OcspState::kRevoked);
}

TEST_F(CryptoOcspTest, StrangersSignature) {
  expect_refused(verify(make_ocsp(parts(), stranger_.signer())), Code::kDenied, "isn't signed by");
}

TEST_F(CryptoOcspTest, AnotherSerial) {
  OcspParts other = parts();
  other.serial = {0x55};
  expect_refused(verify(make_ocsp(other, authority_.signer())), Code::kNotFound, "nothing of this certificate");
}

TEST_F(CryptoOcspTest, AnotherIssuersSerial) {
  OcspParts other = parts();
  other.issuer = stranger_.certificate();
  expect_refused(verify(make_ocsp(other, authority_.signer())), Code::kNotFound, "nothing of this certificate");
}

TEST_F(CryptoOcspTest, IssuerNamedBySha1) {
  OcspParts old = parts();
  old.issuer.reset();
  expect_refused(verify(make_ocsp(old, authority_.signer())), Code::kNotFound, "nothing of this certificate");
}

TEST_F(CryptoOcspTest, NamedResponder) {
  LeafParts responder;
  responder.extended = extended_usage_extension({9});
  OcspParts with = parts();
  with.responder = authority_.issue(responder, 2000);
  MemorySigner signer(key_of_seed(2000));
  EXPECT_TRUE(verify(make_ocsp(with, signer)).ok());
  // An hour and more later its certificate has ended.
  expect_refused(verify(make_ocsp(with, signer), kNow + hours(2)), Code::kDenied, "isn't signed by");
}

TEST_F(CryptoOcspTest, ResponderForAnotherPurpose) {
  OcspParts with = parts();
  with.responder = authority_.issue({}, 2000);
  MemorySigner signer(key_of_seed(2000));
  expect_refused(verify(make_ocsp(with, signer)), Code::kDenied, "isn't signed by");
}

TEST_F(CryptoOcspTest, ResponderOfAStranger) {
  LeafParts responder;
  responder.extended = extended_usage_extension({9});
  OcspParts with = parts();
  with.responder = stranger_.issue(responder, 2000);
  MemorySigner signer(key_of_seed(2000));
  expect_refused(verify(make_ocsp(with, signer)), Code::kDenied, "isn't signed by");
}

TEST_F(CryptoOcspTest, RequestNamesTheCertificate) {
  const Bytes request = ocsp_request(leaf_, authority_.certificate());
  ASSERT_TRUE(check_der(request, "a request").ok());
  // The CertID that an answer repeats is in it, byte for byte.
  const auto answer = value_of(verify(make_ocsp(parts(), authority_.signer())));
  const std::string hex = to_hex(request);
  EXPECT_NE(hex.find("0420" + to_hex(answer.issuer_name_hash) + "0420" + to_hex(answer.issuer_key_hash)),
            std::string::npos);
  EXPECT_TRUE(hex.ends_with(to_hex(leaf_.facts().serial)));
  EXPECT_EQ(ocsp_request_again(answer), request);
  OcspAnswer otherwise = answer;
  otherwise.hash_oid = "1.3.14.3.2.26";
  EXPECT_FALSE(ocsp_request_again(otherwise));
}

}  // namespace
}  // namespace cloister::crypto
