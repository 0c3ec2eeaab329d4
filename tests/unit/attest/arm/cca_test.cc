#include "attest/arm/cca.h"

#include <gtest/gtest.h>

#include "attest/arm/cca_token.h"
#include "tests/support/certificates.h"
#include "tests/support/flip.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_cca.h"

namespace cloister::attest {
namespace {

using cloister::testing::kNow;
using cloister::testing::SimulatedCca;
using cloister::testing::unhex;
using Profile = SimulatedCca::Profile;

constexpr std::string_view kNames[] = {
    "parse",           "profile", "endorsement", "published-key", "platform-signature",
    "realm-signature", "binding", "lifecycle",   "debug",         "report-data"};

Verdict judged(const Evidence& evidence, const Collateral& collateral, const Bytes& challenge = Bytes(64, 0x5C),
               const Anchors& anchors = Anchors::production()) {
  return verify(
      evidence,
      {.now = kNow, .report_data = challenge, .collateral = &collateral, .anchors = &anchors, .floors = nullptr});
}
Verdict judged(const SimulatedCca& made) { return judged(made.evidence(), made.collateral()); }

// That check, for that reason, and no other.
void expect_alone(const Verdict& verdict, std::string_view name, Reason reason,
                  CheckState state = CheckState::kFailed) {
  for (const Check& check : verdict.checks) {
    if (check.name == name) {
      EXPECT_EQ(check.state, state) << name;
      EXPECT_EQ(check.reason, reason) << name << ": " << check.detail;
    } else {
      EXPECT_EQ(check.state, CheckState::kPassed) << check.name << ": " << check.detail;
    }
  }
  EXPECT_NE(verdict.find(name), nullptr) << name;
  EXPECT_FALSE(verdict.sound());
}

void expect_malformed(const SimulatedCca& made) {
  const Verdict verdict = judged(made);
  ASSERT_EQ(verdict.checks.size(), 1U);
  EXPECT_EQ(verdict.checks[0].name, "parse");
  EXPECT_EQ(verdict.checks[0].reason, Reason::kMalformed);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(Cca, EveryProfileAndHash) {
  for (const Profile profile : {Profile::kLegacy, Profile::k2023}) {
    for (const char* hash : {"sha-256", "sha-384", "sha-512"}) {
      SimulatedCca made{.platform_profile = profile, .realm_profile = profile, .key_hash = hash};
      made.platform_key = profile == Profile::kLegacy ? crypto::KeyType::kEcP256 : crypto::KeyType::kEcP384;
      const Verdict verdict = judged(made);
      EXPECT_TRUE(verdict.sound()) << hash;
      ASSERT_EQ(verdict.checks.size(), std::size(kNames));
      for (std::size_t i = 0; i < std::size(kNames); ++i) EXPECT_EQ(verdict.checks[i].name, kNames[i]);
      EXPECT_EQ(verdict.assurance, Assurance::kHardware);
      EXPECT_EQ(verdict.at, kNow);
      EXPECT_EQ(verdict.used.size(), 1U);
    }
  }
}

TEST(Cca, Claims) {
  const SimulatedCca made;
  const Claims claims = judged(made).claims;
  EXPECT_EQ(claims.at("measurement"), ClaimValue(Bytes(32, 0x11)));
  EXPECT_EQ(claims.at("report_data"), ClaimValue(Bytes(64, 0x5C)));
  EXPECT_EQ(claims.at("chip_id"), ClaimValue(Bytes(33, 0x01)));
  EXPECT_EQ(claims.at("debug"), ClaimValue(false));
  EXPECT_EQ(claims.at("product"), ClaimValue(std::string("tag:arm.com,2023:cca_platform#1.0.0")));
  EXPECT_EQ(claims.at("cca.lifecycle"), ClaimValue(std::uint64_t{0x3000}));
  EXPECT_EQ(claims.at("cca.rem3"), ClaimValue(Bytes(32, 3)));
  EXPECT_EQ(claims.at("cca.component1.type"), ClaimValue(std::string("RMM")));
  EXPECT_EQ(claims.at("cca.component0.measurement"), ClaimValue(Bytes(32, 0x22)));
  EXPECT_EQ(claims.at("signer"), ClaimValue(to_bytes(crypto::sha256(made.platform().public_key().spki()))));
}

TEST(Cca, SimulatorIsNeverHardware) {
  const SimulatedCca made;
  const Verdict verdict = judged(made.evidence(), made.collateral(), made.challenge,
                                 Anchors::insecure(std::multimap<Root, crypto::Sha256Digest>()));
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
}

TEST(Cca, PlatformWithoutEndorsement) {
  const SimulatedCca made;
  const Verdict verdict = judged(made.evidence(), {});
  for (const char* name : {"endorsement", "published-key", "platform-signature"}) {
    EXPECT_EQ(verdict.find(name)->state, CheckState::kNotEvaluated) << name;
    EXPECT_EQ(verdict.find(name)->reason, Reason::kReferenceMissing) << name;
  }
  EXPECT_EQ(verdict.find("realm-signature")->state, CheckState::kPassed);
  EXPECT_FALSE(verdict.any_failed());
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_EQ(verify(made.evidence(), {.now = kNow, .report_data = {}}).find("endorsement")->state,
            CheckState::kNotEvaluated);
}

TEST(Cca, EndorsementOfAnotherInstanceOrOneThatIsNoKey) {
  const SimulatedCca made;
  const SimulatedCca other{.instance = Bytes(33, 0x02)};
  EXPECT_EQ(judged(made.evidence(), other.collateral()).find("endorsement")->state, CheckState::kNotEvaluated);
  CollateralItem item = made.collateral().items().begin()->second;
  item.body.back() ^= 1;  // not on its curve any more
  Collateral collateral;
  collateral.add(item);
  const Verdict verdict = judged(made.evidence(), collateral);
  EXPECT_EQ(verdict.find("endorsement")->reason, Reason::kMalformed);
  EXPECT_EQ(verdict.find("platform-signature")->state, CheckState::kNotEvaluated);
}

TEST(Cca, PlatformSignatureOfAnotherKey) {
  const SimulatedCca made;
  const SimulatedCca other{.platform_seed = 77};
  expect_alone(judged(made.evidence(), other.collateral()), "platform-signature", Reason::kBadSignature);
  EXPECT_TRUE(judged(made.evidence(), other.collateral()).claims.empty());
  const SimulatedCca shorter{.platform_key = crypto::KeyType::kEcP256};
  expect_alone(judged(made.evidence(), shorter.collateral()), "platform-signature", Reason::kBadSignature);
}

TEST(Cca, RealmSignatureOfAnotherKey) {
  expect_alone(judged({.realm_signed_by = 78}), "realm-signature", Reason::kBadSignature);
}

TEST(Cca, PlatformTokenOfAnotherRealm) {
  const SimulatedCca other{.realm_seed = 79};
  const auto theirs = parse_cca_token(other.token());
  ASSERT_TRUE(theirs.ok());
  const SimulatedCca spliced{.binding = theirs->platform.challenge};
  const Verdict verdict = judged(spliced);
  expect_alone(verdict, "binding", Reason::kBindingMismatch);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(Cca, ProfilesThatDontBelongTogether) {
  expect_alone(judged({.platform_profile = Profile::kLegacy, .realm_profile = Profile::k2023}), "profile",
               Reason::kUnsupported);
  expect_alone(judged({.platform_profile = Profile::k2023, .realm_profile = Profile::kLegacy}), "profile",
               Reason::kUnsupported);
}

TEST(Cca, LifecycleOtherThanSecured) {
  for (const std::uint64_t state : {0x0000U, 0x1000U, 0x2000U, 0x2FFFU, 0x3100U, 0x6000U, 0xFFFFU}) {
    expect_alone(judged({.lifecycle = state}), "lifecycle", Reason::kNotAllowed);
  }
  EXPECT_TRUE(judged({.lifecycle = 0x30FF}).sound());
  for (const std::uint64_t state : {0x4000U, 0x50FFU}) {
    const Verdict verdict = judged({.lifecycle = state});
    EXPECT_EQ(verdict.find("lifecycle")->reason, Reason::kNotAllowed);
    EXPECT_EQ(verdict.find("debug")->reason, Reason::kDebug);
    EXPECT_EQ(verdict.claims.at("debug"), ClaimValue(true));
  }
}

TEST(Cca, AnotherQuestionOrNone) {
  const SimulatedCca made;
  expect_alone(judged(made.evidence(), made.collateral(), Bytes(64, 0x5B)), "report-data", Reason::kNonceMismatch);
  expect_alone(judged(made.evidence(), made.collateral(), Bytes(65, 0x5C)), "report-data", Reason::kNonceMismatch);
  const Collateral collateral = made.collateral();
  const Verdict unasked = verify(made.evidence(), {.now = kNow, .report_data = {}, .collateral = &collateral});
  expect_alone(unasked, "report-data", Reason::kReferenceMissing, CheckState::kNotEvaluated);
  SimulatedCca padded;
  padded.challenge = Bytes(64);
  padded.challenge[0] = 7;
  EXPECT_TRUE(judged(padded.evidence(), padded.collateral(), Bytes{7}).sound());
}

TEST(Cca, MissingClaim) {
  for (const std::int64_t claim : {10, 256, 2395, 2396, 2399, 2401, 2402, 44235, 44236, 44237, 44238, 44239, 44240}) {
    SCOPED_TRACE(claim);
    expect_malformed({.without = claim});
  }
}

TEST(Cca, ClaimTwice) { expect_malformed({.twice = true}); }

TEST(Cca, ClaimOfTheWrongLength) {
  expect_malformed({.challenge = Bytes(32)});
  expect_malformed({.challenge = Bytes(65)});
  expect_malformed({.instance = Bytes(32, 1)});
  expect_malformed({.instance = Bytes(33, 0)});
  expect_malformed({.initial = Bytes(48)});
  expect_malformed({.initial = {}});
  expect_malformed({.binding = Bytes(20)});
  expect_malformed({.key_hash = "sha-1"});
  expect_malformed({.lifecycle = 0x13000});
}

TEST(Cca, TruncatedOrLongerToken) {
  const SimulatedCca made;
  const Bytes token = made.token();
  for (std::size_t size = 0; size < token.size(); size += 7) {
    EXPECT_FALSE(parse_cca_token(ByteView(token).first(size)).ok()) << size;
  }
  Bytes longer = token;
  longer.push_back(0);
  EXPECT_FALSE(parse_cca_token(longer).ok());
  Bytes another_tag = token;
  another_tag[2] ^= 1;
  EXPECT_FALSE(parse_cca_token(another_tag).ok());
  EXPECT_FALSE(parse_cca_token(Bytes(kCcaTokenSizeMax + 1)).ok());
  EXPECT_FALSE(parse_cca_token(unhex("d9018fbf19acca40ff")).ok());
}

TEST(Cca, EveryFlippedByte) {
  const SimulatedCca made;
  const Collateral collateral = made.collateral();
  cloister::testing::expect_every_flip_noticed(made.evidence(),
                                               [&](const Evidence& evidence) { return judged(evidence, collateral); });
}

TEST(Cca, NeedsAndRecognition) {
  const SimulatedCca made;
  const auto wanted = needs(made.evidence());
  ASSERT_EQ(wanted.size(), 1U);
  EXPECT_EQ(wanted[0].name(), made.collateral().items().begin()->first);
  EXPECT_TRUE(needs({Kind::kCca, {{"token", Bytes{1}}}}).empty());
  const auto known = recognise(made.token());
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(known->primary, made.evidence());
}

}  // namespace
}  // namespace cloister::attest
