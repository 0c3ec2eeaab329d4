// OCSP responses: whose word they are, about whom, and every form that must be refused.
#include "probe/certificate/ocsp.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/ocsp_maker.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;

class OcspTest : public ::testing::Test {
 protected:
  SeenCertificate seen(const crypto::Certificate& certificate) { return value_of(read_certificate(certificate.der())); }
  OcspParts parts() { return {seen(leaf_).serial, 0x80, kNow + minutes(-5), kNow + hours(1)}; }
  Result<OcspAnswer> verify(const Bytes& response) {
    CLOISTER_TRY(const OcspResponse parsed, parse_ocsp(response));
    return verify_ocsp(parsed, seen(leaf_), seen(authority_.certificate()), kNow);
  }

  TestAuthority authority_{1};
  TestAuthority stranger_{2};
  crypto::Certificate leaf_ = authority_.issue();
};

TEST_F(OcspTest, GoodOfItsIssuer) {
  const auto answer = value_of(verify(make_ocsp(parts(), authority_.signer())));
  EXPECT_EQ(answer.state, OcspState::kGood);
  EXPECT_EQ(answer.this_update.unix_ms, (kNow + minutes(-5)).unix_ms);
  EXPECT_EQ(answer.next_update->unix_ms, (kNow + hours(1)).unix_ms);
}

TEST_F(OcspTest, Revoked) {
  OcspParts revoked = parts();
  revoked.state = 0xA1;
  const auto answer = value_of(verify(make_ocsp(revoked, authority_.signer())));
  EXPECT_EQ(answer.state, OcspState::kRevoked);
  EXPECT_TRUE(answer.revoked_at.has_value());
}

TEST_F(OcspTest, StrangersSignature) {
  expect_refused(verify(make_ocsp(parts(), stranger_.signer())), Code::kDenied, "isn't signed by");
}

TEST_F(OcspTest, AnotherCertificate) {
  OcspParts other = parts();
  other.serial = {0x55};
  expect_refused(verify(make_ocsp(other, authority_.signer())), Code::kNotFound, "nothing of this certificate");
}

TEST_F(OcspTest, NamedResponder) {
  LeafParts responder;
  responder.extended = extended_usage_extension({9});
  OcspParts with = parts();
  with.responder = authority_.issue(responder, 2000);
  crypto::MemorySigner signer(key_of_seed(2000));
  EXPECT_TRUE(verify(make_ocsp(with, signer)).ok());
}

TEST_F(OcspTest, ResponderWithoutThatUsage) {
  OcspParts with = parts();
  with.responder = authority_.issue({}, 2000);
  crypto::MemorySigner signer(key_of_seed(2000));
  expect_refused(verify(make_ocsp(with, signer)), Code::kDenied, "isn't signed by");
}

TEST_F(OcspTest, ResponderOfAStranger) {
  LeafParts responder;
  responder.extended = extended_usage_extension({9});
  OcspParts with = parts();
  with.responder = stranger_.issue(responder, 2000);
  crypto::MemorySigner signer(key_of_seed(2000));
  expect_refused(verify(make_ocsp(with, signer)), Code::kDenied, "isn't signed by");
}

TEST_F(OcspTest, ExpiredResponder) {
  LeafParts responder;
  responder.extended = extended_usage_extension({9});
  responder.not_before = kNow + hours(-3);
  responder.not_after = kNow + hours(-2);
  OcspParts with = parts();
  with.responder = authority_.issue(responder, 2000);
  crypto::MemorySigner signer(key_of_seed(2000));
  expect_refused(verify(make_ocsp(with, signer)), Code::kDenied, "isn't signed by");
}

TEST_F(OcspTest, TryLater) {
  static constexpr std::uint8_t kTryLater[] = {0x30, 3, 0x0A, 1, 3};
  expect_refused(parse_ocsp(kTryLater), Code::kUnavailable, "status 3");
}

TEST_F(OcspTest, EveryTruncation) {
  const Bytes whole = make_ocsp(parts(), authority_.signer());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_ocsp(ByteView(whole).first(size)).ok()) << size;
  }
}

TEST_F(OcspTest, EveryFlippedByteOfTheData) {
  const Bytes whole = make_ocsp(parts(), authority_.signer());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] ^= 0x01;
    const auto answer = verify(changed);
    // What isn't signed may change: nothing of it is handed out.
    EXPECT_TRUE(!answer.ok() || answer->state == OcspState::kGood) << i;
  }
}

TEST_F(OcspTest, TooLarge) { expect_refused(parse_ocsp(Bytes(kOcspSizeMax + 1)), Code::kInvalid, "too large"); }

}  // namespace
}  // namespace cloister::probe
