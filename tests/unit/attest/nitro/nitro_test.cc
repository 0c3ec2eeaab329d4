#include "attest/nitro/nitro.h"

#include <gtest/gtest.h>

#include "tests/support/flip.h"
#include "tests/support/published_key.h"
#include "tests/support/simulated_nitro.h"
#include "tests/support/value_of.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

const std::vector<std::string> kChecks = {
    "parse", "published-key", "certificate-chain", "certificate-dates", "short-lived", "document-signature",
    "debug", "report-data"};

class Nitro : public ::testing::Test {
 protected:
  SimulatedNitro nitro_;
  Anchors anchors_ = nitro_.anchors();
  Question question_{kNow, Bytes(64, 0x5A), nullptr, &anchors_, nullptr};

  Verdict judge(const NitroParts& parts) { return verify(nitro_.document(parts), question_); }
  Verdict judge(const Evidence& evidence) { return verify(evidence, question_); }
};

TEST_F(Nitro, DocumentVerifies) {
  for (const bool indefinite : {true, false}) {
    NitroParts parts;
    parts.indefinite = indefinite;
    const Verdict verdict = judge(parts);
    EXPECT_TRUE(verdict.sound()) << verdict.first_problem()->detail;
    EXPECT_EQ(names_of(verdict), kChecks);
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
    EXPECT_EQ(std::get<Bytes>(verdict.claims.at("measurement")), Bytes(48, 0x10));
    EXPECT_EQ(std::get<Bytes>(verdict.claims.at("nitro.pcr4")), Bytes(48, 0x14));
    EXPECT_EQ(std::get<std::string>(verdict.claims.at("nitro.module_id")), "i-0-enc1");
  }
}

TEST_F(Nitro, MembersMissingTwiceOrOfAnotherType) {
  for (const char* member :
       {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}) {
    SCOPED_TRACE(member);
    NitroParts without;
    without.without = member;
    expect_only(judge(without), "parse", Reason::kMalformed);
    NitroParts twice;
    twice.twice = member;
    expect_only(judge(twice), "parse", Reason::kMalformed);
    const std::string name = member;
    if (name == "public_key" || name == "user_data" || name == "nonce") continue;
    NitroParts nulled;
    nulled.nulled = member;
    expect_only(judge(nulled), "parse", Reason::kMalformed);
  }
}

TEST_F(Nitro, Unreadable) {
  const Bytes good = nitro_.document().parts["document"];
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, good.size() / 2, good.size() - 1}) {
    Evidence evidence = nitro_.document();
    evidence.parts["document"].resize(size);
    expect_only(judge(evidence), "parse", Reason::kMalformed);
  }
  NitroParts parts;
  parts.trailer = Bytes(5000, 0);
  expect_only(judge(parts), "parse", Reason::kMalformed);
  parts.trailer = Bytes(179, 0x55);
  EXPECT_TRUE(judge(parts).sound());
}

TEST_F(Nitro, DebugMode) {
  NitroParts parts;
  parts.debug = true;
  expect_only(judge(parts), "debug", Reason::kDebug);
}

TEST_F(Nitro, SignedByAnotherAlgorithmOrKey) {
  NitroParts parts;
  parts.key_type = crypto::KeyType::kEcP256;
  expect_only(judge(parts), "parse", Reason::kMalformed);
  Evidence evidence = nitro_.document();
  evidence.parts["document"].back() ^= 1;
  const Verdict verdict = judge(evidence);
  expect_only(verdict, "document-signature", Reason::kBadSignature);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_TRUE(verdict.claims.empty());
}

TEST_F(Nitro, SignatureThatIsZeroOrAboveTheOrder) {
  for (const std::uint8_t byte : {0x00, 0xFF}) {
    Evidence evidence = nitro_.document();
    Bytes& document = evidence.parts["document"];
    std::fill_n(document.end() - 96, 48, byte);
    expect_only(judge(evidence), "document-signature", Reason::kBadSignature);
  }
}

TEST_F(Nitro, RootThatIsNobodys) {
  question_.anchors = &Anchors::production();
  expect_only(judge(NitroParts{}), "certificate-chain", Reason::kUntrustedRoot);
  SimulatedNitro stranger(900);
  question_.anchors = &anchors_;
  expect_only(verify(stranger.document(), question_), "certificate-chain", Reason::kUntrustedRoot);
}

TEST_F(Nitro, KeyWhosePrivatePartIsPublished) {
  NitroParts parts;
  parts.leaf_key = published_key();
  const Verdict verdict = judge(parts);
  expect_failed(verdict, "published-key", Reason::kTestKey);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST_F(Nitro, ExpiredNotYetValidOrTooLongLived) {
  NitroParts expired;
  expired.not_after = kNow;
  expect_only(judge(expired), "certificate-dates", Reason::kExpired);
  NitroParts early;
  early.not_before = kNow + seconds(1);
  expect_only(judge(early), "certificate-dates", Reason::kNotYetValid);
  NitroParts leaf;
  leaf.not_after = leaf.not_before + kNitroLeafLifetimeMax + seconds(1);
  expect_only(judge(leaf), "short-lived", Reason::kRevocationUnknown);
  NitroParts authority;
  authority.authority_not_after = kNow + days(28);
  expect_only(judge(authority), "short-lived", Reason::kRevocationUnknown);
}

TEST_F(Nitro, AnotherQuestionsDocument) {
  question_.report_data = Bytes(64, 0x5B);
  expect_only(judge(NitroParts{}), "report-data", Reason::kNonceMismatch);
  NitroParts nonce_alone;
  nonce_alone.nulled = "user_data";
  question_.report_data = Bytes(20, 0x4E);
  EXPECT_TRUE(judge(nonce_alone).sound());
  // A nonce beside user data says nothing about the key that the data would have to name.
  expect_only(judge(NitroParts{}), "report-data", Reason::kNonceMismatch);
  question_.report_data.reset();
  expect_passed_but(judge(NitroParts{}), {"report-data"});
}

TEST_F(Nitro, EveryFlippedByteIsNoticed) {
  NitroParts parts;
  parts.trailer = Bytes(3, 0x55);
  const Evidence evidence = nitro_.document(parts);
  const std::size_t size = evidence.parts.at("document").size();
  expect_every_flip_noticed(evidence, [this](const Evidence& changed) { return judge(changed); },
                            {{"document", size - 3, size, "what follows the document isn't AWS's"}}, {0x01});
}

TEST_F(Nitro, RecognisedWithAndWithoutAFrame) {
  const Bytes document = nitro_.document().parts["document"];
  Bytes framed{0, 2, 0xB9, 0x46};
  framed.insert(framed.end(), document.begin(), document.end());
  for (const Bytes& file : {document, framed}) {
    EXPECT_EQ(value_of(recognise(file)).primary, (Evidence{Kind::kNitro, {{"document", document}}}));
  }
  EXPECT_FALSE(recognise(ByteView(document).first(document.size() - 1)).ok());
}

}  // namespace
}  // namespace cloister::attest
