// What is said of certificates: every check with a good one and with the fault it is there for.
#include "probe/certificate/judge.h"

#include <gtest/gtest.h>

#include "probe/certificate/weak_key.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/ocsp_maker.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;

class JudgeTest : public ::testing::Test {
 protected:
  CertificateQuestion question(const crypto::Certificate& leaf) {
    CertificateQuestion question;
    question.chain = {leaf.der()};
    question.anchors = anchors_;
    question.host = "models.example.org";
    question.lifetime = {false, hours(24), 15};
    question.now = kNow;
    return question;
  }
  Facts judge(const LeafParts& parts) { return judge_certificate(question(root_.issue(parts))); }
  static LeafParts web() {
    LeafParts parts;
    parts.names = names_extension({{2, "models.example.org"}, {2, "example.org"}}, crypto::Critical::kNo);
    return parts;
  }
  static void expect_fact(const Facts& facts, const char* check, const char* subject, Seen seen) {
    const Fact* fact = facts.find(check, subject);
    ASSERT_NE(fact, nullptr) << check << " " << subject;
    EXPECT_EQ(name_of(fact->seen), name_of(seen)) << check << " " << subject << ": " << fact->detail;
  }

  TestAuthority root_{1};
  TestAuthority stranger_{2};
  std::vector<crypto::Certificate> anchors_{root_.certificate()};
};

TEST_F(JudgeTest, GoodWebCertificate) {
  const Facts facts = judge(web());
  expect_fact(facts, "X1", "trusted", Seen::kYes);
  expect_fact(facts, "X1", "order", Seen::kYes);
  expect_fact(facts, "X1", "self-signed", Seen::kNo);
  expect_fact(facts, "X1", "root sent", Seen::kNo);
  expect_fact(facts, "X2", "strong", Seen::kYes);
  expect_fact(facts, "X2", "roca", Seen::kNotApplicable);
  expect_fact(facts, "X3", "valid", Seen::kYes);
  expect_fact(facts, "X3", "lifetime", Seen::kYes);
  expect_fact(facts, "X3", "rest", Seen::kYes);
  expect_fact(facts, "X4", "names host", Seen::kYes);
  expect_fact(facts, "X4", "wildcard", Seen::kNo);
  expect_fact(facts, "X5", "server", Seen::kYes);
  expect_fact(facts, "X5", "authority", Seen::kNo);
  expect_fact(facts, "X9", "stapled", Seen::kNotApplicable);
  expect_fact(facts, "X10", "must-staple", Seen::kNo);
  expect_fact(facts, "X11", "svid", Seen::kNo);
  expect_fact(facts, "S2", "weak", Seen::kNo);
  expect_fact(facts, "T1", "embedded", Seen::kNo);
}

TEST_F(JudgeTest, GoodSvid) {
  const Facts facts = judge({});
  expect_fact(facts, "X11", "claims an id", Seen::kYes);
  expect_fact(facts, "X11", "svid", Seen::kYes);
}

TEST_F(JudgeTest, Stranger) {
  expect_fact(judge_certificate(question(stranger_.issue(web()))), "X1", "trusted", Seen::kNo);
}

TEST_F(JudgeTest, NobodyTrusted) {
  CertificateQuestion nobody = question(root_.issue(web()));
  nobody.anchors = {};
  expect_fact(judge_certificate(nobody), "X1", "trusted", Seen::kUnknown);
}

TEST_F(JudgeTest, SelfSigned) {
  const Facts facts = judge_certificate(question(stranger_.certificate()));
  expect_fact(facts, "X1", "self-signed", Seen::kYes);
  expect_fact(facts, "X5", "authority", Seen::kYes);
}

TEST_F(JudgeTest, OutOfOrderWithRoot) {
  CertificateQuestion mixed = question(root_.issue(web()));
  mixed.chain.push_back(stranger_.certificate().der());
  mixed.chain.push_back(root_.certificate().der());
  const Facts facts = judge_certificate(mixed);
  expect_fact(facts, "X1", "order", Seen::kNo);
  expect_fact(facts, "X1", "root sent", Seen::kYes);
  expect_fact(facts, "X1", "trusted", Seen::kYes);
}

TEST_F(JudgeTest, Expired) {
  LeafParts parts = web();
  parts.not_before = kNow + hours(-3);
  parts.not_after = kNow + hours(-1);
  const Facts facts = judge(parts);
  expect_fact(facts, "X3", "valid", Seen::kNo);
  expect_fact(facts, "X3", "rest", Seen::kNo);
  // The date alone is at fault, and has its own check.
  expect_fact(facts, "X1", "trusted", Seen::kUnknown);
}

TEST_F(JudgeTest, NotYetValid) {
  LeafParts parts = web();
  parts.not_before = kNow + minutes(1);
  expect_fact(judge(parts), "X3", "valid", Seen::kNo);
}

TEST_F(JudgeTest, TooLongALife) {
  LeafParts parts = web();
  parts.not_after = kNow + hours(25);
  expect_fact(judge(parts), "X3", "lifetime", Seen::kNo);
}

TEST_F(JudgeTest, NearItsEnd) {
  LeafParts parts = web();
  parts.not_before = kNow + hours(-10);
  expect_fact(judge(parts), "X3", "rest", Seen::kNo);
}

TEST(PublicLifetimeTest, ByTheCalendar) {
  const auto at = [](const char* time) { return public_lifetime_max(value_of(parse_rfc3339(time))).ms / days(1).ms; };
  EXPECT_EQ(at("2026-03-14T23:59:59Z"), 398);
  EXPECT_EQ(at("2026-03-15T00:00:00Z"), 200);
  EXPECT_EQ(at("2027-03-15T00:00:00Z"), 100);
  EXPECT_EQ(at("2029-03-15T00:00:00Z"), 47);
}

TEST_F(JudgeTest, AnotherName) {
  LeafParts parts = web();
  parts.names = names_extension({{2, "other.example.org"}}, crypto::Critical::kNo);
  expect_fact(judge(parts), "X4", "names host", Seen::kNo);
}

TEST_F(JudgeTest, CommonNameAlone) {
  LeafParts parts = web();
  parts.names = Bytes();
  parts.subject = crypto::common_name("models.example.org");
  const Facts facts = judge(parts);
  expect_fact(facts, "X4", "common name only", Seen::kYes);
  expect_fact(facts, "X4", "names host", Seen::kNo);
}

TEST_F(JudgeTest, Wildcard) {
  LeafParts parts = web();
  parts.names = names_extension({{2, "*.example.org"}}, crypto::Critical::kNo);
  const Facts facts = judge(parts);
  expect_fact(facts, "X4", "wildcard", Seen::kYes);
  expect_fact(facts, "X4", "names host", Seen::kYes);
}

TEST_F(JudgeTest, ForClientsAlone) {
  LeafParts parts = web();
  parts.extended = extended_usage_extension({2});
  const Facts facts = judge(parts);
  expect_fact(facts, "X5", "server", Seen::kNo);
  expect_fact(facts, "X5", "client", Seen::kYes);
}

TEST_F(JudgeTest, ShortSerial) { expect_fact(judge(web()), "X12", "", Seen::kNo); }

TEST_F(JudgeTest, UnreadableCertificate) {
  CertificateQuestion garbage = question(root_.issue(web()));
  garbage.chain = {unhex("30030201")};
  const Facts facts = judge_certificate(garbage);
  expect_fact(facts, "X1", "", Seen::kUnknown);
  EXPECT_EQ(facts.seen("X1", "trusted"), Seen::kUnknown);
}

TEST_F(JudgeTest, NoCertificate) {
  CertificateQuestion nothing = question(root_.issue(web()));
  nothing.chain = {};
  EXPECT_EQ(judge_certificate(nothing).seen("X1"), Seen::kUnknown);
}

class StapleTest : public JudgeTest {
 protected:
  // authorityInfoAccess with an OCSP responder.
  static Bytes responder() {
    return raw_extension("2b06010505070101", crypto::Critical::kNo,
                         unhex("3019301706082b06010505073001860b687474703a2f2f6f2e782f"));
  }
  // TLS feature: status_request.
  static Bytes must_staple() { return raw_extension("2b06010505070118", crypto::Critical::kNo, unhex("3003020105")); }
  Facts stapled(const LeafParts& parts, OcspParts ocsp, crypto::Signer& signer) {
    const crypto::Certificate leaf = root_.issue(parts);
    ocsp.serial = leaf.facts().serial;
    CertificateQuestion with = question(leaf);
    with.ocsp_response = make_ocsp(ocsp, signer);
    return judge_certificate(with);
  }
  const OcspParts fresh_{{}, 0x80, kNow + minutes(-5), kNow + hours(1)};
};

TEST_F(StapleTest, ResponderWithoutStaple) {
  LeafParts parts = web();
  parts.more = responder();
  const Facts facts = judge(parts);
  expect_fact(facts, "X7", "ocsp", Seen::kYes);
  expect_fact(facts, "X9", "stapled", Seen::kNo);
}

TEST_F(StapleTest, FreshStaple) {
  LeafParts parts = web();
  parts.more = responder();
  const Facts facts = stapled(parts, fresh_, root_.signer());
  expect_fact(facts, "X9", "stapled", Seen::kYes);
  expect_fact(facts, "X9", "signed", Seen::kYes);
  expect_fact(facts, "X9", "fresh", Seen::kYes);
  expect_fact(facts, "X9", "revoked", Seen::kNo);
}

TEST_F(StapleTest, StaleRevokedForged) {
  OcspParts old = fresh_;
  old.next_update = kNow + minutes(-1);
  expect_fact(stapled(web(), old, root_.signer()), "X9", "fresh", Seen::kNo);
  OcspParts endless = fresh_;
  endless.next_update = {};
  expect_fact(stapled(web(), endless, root_.signer()), "X9", "fresh", Seen::kNo);
  OcspParts revoked = fresh_;
  revoked.state = 0xA1;
  expect_fact(stapled(web(), revoked, root_.signer()), "X9", "revoked", Seen::kYes);
  const Facts forged = stapled(web(), fresh_, stranger_.signer());
  expect_fact(forged, "X9", "signed", Seen::kNo);
  expect_fact(forged, "X9", "revoked", Seen::kUnknown);
}

TEST_F(StapleTest, MustStapleWithoutOne) {
  LeafParts parts = web();
  parts.more = must_staple();
  const Facts facts = judge(parts);
  expect_fact(facts, "X10", "must-staple without staple", Seen::kYes);
  expect_fact(facts, "X10", "must-staple without responder", Seen::kYes);
}

TEST(WeakKeyTest, Roca) {
  // 65537^k mod every one of the primes, by construction: 65537^9.
  Bytes power{1};
  for (int i = 0; i < 9; ++i) {
    std::uint32_t carry = 0;
    for (std::size_t at = power.size(); at-- > 0;) {
      carry += power[at] * 65537U;
      power[at] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    while (carry != 0) {
      power.insert(power.begin(), static_cast<std::uint8_t>(carry));
      carry >>= 8;
    }
  }
  EXPECT_TRUE(has_roca_shape(power));
  power.back() = static_cast<std::uint8_t>(power.back() + 2);
  EXPECT_FALSE(has_roca_shape(power));
  EXPECT_FALSE(has_roca_shape({}));
}

}  // namespace
}  // namespace cloister::probe
