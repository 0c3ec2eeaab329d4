#include "attest/tpm/tpm.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/flip.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_tpm.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_failed;
using cloister::testing::expect_only;
using cloister::testing::expect_passed_but;
using cloister::testing::kAttestingKey;
using cloister::testing::kNow;
using cloister::testing::names_of;
using cloister::testing::SimulatedTpm;
using cloister::testing::TpmParts;

Verdict judged(const Evidence& evidence, const Collateral& collateral, const Bytes& asked = Bytes(64, 0x5A),
               const Anchors& anchors = Anchors::production()) {
  return verify(evidence, {.now = kNow, .report_data = asked, .collateral = &collateral, .anchors = &anchors});
}
Verdict judged(const TpmParts& parts) {
  const SimulatedTpm tpm(parts);
  return judged(tpm.evidence(), tpm.collateral());
}

void expect_malformed(const Evidence& evidence, Reason reason = Reason::kMalformed) {
  const Verdict verdict = judged(evidence, {});
  ASSERT_EQ(verdict.checks.size(), 1U);
  expect_only(verdict, "parse", reason);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(Tpm, KeyOfEitherKindThatIsEndorsed) {
  for (const TpmParts::Key key : {TpmParts::Key::kEcdsa, TpmParts::Key::kRsa}) {
    const SimulatedTpm tpm({.key = key});
    const Verdict verdict = judged(tpm.evidence(), tpm.collateral());
    expect_passed_but(verdict, {});
    EXPECT_TRUE(verdict.sound());
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    EXPECT_EQ(names_of(verdict), (std::vector<std::string>{"parse", "published-key", "ak-attributes", "endorsement",
                                                           "quote-signature", "pcr-digest", "report-data"}));
    EXPECT_EQ(verdict.used.size(), 1U);
    EXPECT_EQ(verdict.claims.at("tpm.pcr3"), ClaimValue(Bytes(32, 0x13)));
    EXPECT_EQ(verdict.claims.count("tpm.pcr8"), 0U);
    EXPECT_EQ(verdict.claims.at("report_data"), ClaimValue(Bytes(64, 0x5A)));
    EXPECT_EQ(verdict.claims.at("tpm.reset_count"), ClaimValue(std::uint64_t{7}));
    EXPECT_EQ(verdict.claims.at("tpm.software"), ClaimValue(false));
    EXPECT_EQ(verdict.claims.at("signer"), ClaimValue(to_bytes(crypto::sha256(tpm.key().spki()))));
    Bytes quoted = {0, 0, 0, 1, 0, 0x0B, 4, 0xFF, 0, 0, 0};  // one bank, SHA-256's, registers 0 to 7
    const crypto::Sha256Digest digest = crypto::sha256(tpm.registers());
    quoted.insert(quoted.end(), digest.begin(), digest.end());
    EXPECT_EQ(verdict.claims.at("measurement"), ClaimValue(to_bytes(crypto::sha256(quoted))));
  }
}

TEST(Tpm, KeyThatTheGuestNamesItself) {
  const SimulatedTpm tpm;
  const Verdict verdict = judged(tpm.evidence(), {});
  expect_passed_but(verdict, {"endorsement"});
  EXPECT_EQ(verdict.find("endorsement")->reason, Reason::kReferenceMissing);
  EXPECT_FALSE(verdict.sound());
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
}

TEST(Tpm, SoftwareIsNeverHardware) {
  for (const std::uint64_t libtpms : {0x2019102300163636, 0x2024012500120000}) {
    const Verdict verdict = judged({.firmware_version = libtpms});
    EXPECT_TRUE(verdict.sound());
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
    EXPECT_EQ(verdict.claims.at("tpm.software"), ClaimValue(true));
  }
  const SimulatedTpm tpm;
  const Anchors insecure = Anchors::insecure(std::multimap<Root, crypto::Sha256Digest>());
  EXPECT_EQ(judged(tpm.evidence(), tpm.collateral(), Bytes(64, 0x5A), insecure).assurance,
            Assurance::kInsecureSoftware);
}

TEST(Tpm, EndorsementOfAnotherKey) {
  const SimulatedTpm tpm;
  CollateralItem item = tpm.collateral().items().begin()->second;
  item.body = SimulatedTpm({.seed = 62}).key().spki();
  Collateral collateral;
  collateral.add(item);
  const Verdict verdict = judged(tpm.evidence(), collateral);
  expect_only(verdict, "endorsement", Reason::kBindingMismatch);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
}

TEST(Tpm, KeyThatSignsAnything) {
  constexpr std::uint32_t kRestricted = 1U << 16, kFixedTpm = 1U << 1, kFixedParent = 1U << 4, kOrigin = 1U << 5;
  for (const std::uint32_t bit : {kRestricted, kFixedTpm, kFixedParent, kOrigin, 1U << 18}) {
    const Verdict verdict = judged({.attributes = kAttestingKey & ~bit});
    expect_only(verdict, "ak-attributes", Reason::kNotAllowed);
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  }
  expect_only(judged({.attributes = kAttestingKey | 1U << 17}), "ak-attributes", Reason::kNotAllowed);
  expect_only(judged({.attributes = kAttestingKey & ~kRestricted, .bare_key = true}), "ak-attributes",
              Reason::kNotAllowed);
}

// What the endorsement says of the key counts, and not what the guest shows of it.
TEST(Tpm, AttributesThatTheGuestMakesUp) {
  constexpr std::uint32_t kRestricted = 1U << 16;
  const SimulatedTpm shown, real({.attributes = kAttestingKey & ~kRestricted});
  const Verdict verdict = judged(shown.evidence(), real.collateral());
  expect_failed(verdict, "ak-attributes", Reason::kNotAllowed);
  expect_failed(verdict, "endorsement", Reason::kBindingMismatch);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  const SimulatedTpm other_name({.attributes = kAttestingKey | 1U << 10});
  expect_only(judged(other_name.evidence(), shown.collateral()), "endorsement", Reason::kBindingMismatch);
  // A guest that shows the key alone says nothing, and need not.
  expect_passed_but(judged({.bare_key = true}), {});
}

TEST(Tpm, EndorsementOfTheKeyAlone) {
  const SimulatedTpm tpm, bare({.bare_key = true});
  CollateralItem item = tpm.collateral().items().begin()->second;
  item.body = tpm.key().spki();
  Collateral collateral;
  collateral.add(item);
  for (const SimulatedTpm* one : {&tpm, &bare}) {
    const Verdict verdict = judged(one->evidence(), collateral);
    expect_passed_but(verdict, {"ak-attributes"});
    EXPECT_EQ(verdict.find("ak-attributes")->reason, Reason::kReferenceMissing);
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  }
  const SimulatedTpm signs_anything({.attributes = kAttestingKey & ~(1U << 16)});
  expect_only(judged(signs_anything.evidence(), collateral), "ak-attributes", Reason::kNotAllowed);
}

TEST(Tpm, SignatureOfAnotherKey) {
  const SimulatedTpm forged({.signed_by = 63});
  const SimulatedTpm honest;
  Evidence evidence = forged.evidence();
  const Verdict verdict = judged(evidence, honest.collateral());
  expect_only(verdict, "quote-signature", Reason::kBadSignature);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(Tpm, RegistersThatWerentQuoted) {
  const SimulatedTpm tpm;
  Evidence evidence = tpm.evidence();
  evidence.parts["pcrs"][40] ^= 1;
  const Verdict changed = judged(evidence, tpm.collateral());
  expect_only(changed, "pcr-digest", Reason::kMeasurementMismatch);
  EXPECT_EQ(changed.claims.count("tpm.pcr0"), 0U);
  for (const std::size_t size : {std::size_t{0}, std::size_t{255}, std::size_t{257}}) {
    evidence = tpm.evidence();
    evidence.parts["pcrs"].resize(size);
    expect_only(judged(evidence, tpm.collateral()), "pcr-digest", Reason::kMeasurementMismatch);
  }
  expect_only(judged({.pcr_digest = Bytes(32, 9)}), "pcr-digest", Reason::kMeasurementMismatch);
  expect_only(judged({.registers = 0}), "pcr-digest", Reason::kReferenceMissing);
}

TEST(Tpm, SameValuesInOtherRegisters) {
  const Verdict good = judged({.registers = 1U << 0, .first_register = Bytes(32, 0x20)});
  const Verdict elsewhere = judged({.registers = 1U << 16});
  EXPECT_TRUE(good.sound());
  EXPECT_TRUE(elsewhere.sound());
  EXPECT_EQ(good.claims.at("tpm.pcr0"), elsewhere.claims.at("tpm.pcr16"));
  EXPECT_NE(good.claims.at("measurement"), elsewhere.claims.at("measurement"));
}

TEST(Tpm, AnotherQuestionOrNone) {
  const SimulatedTpm tpm;
  expect_only(judged(tpm.evidence(), tpm.collateral(), Bytes(64, 0x5B)), "report-data", Reason::kNonceMismatch);
  expect_only(judged(tpm.evidence(), tpm.collateral(), Bytes(32, 0x5A)), "report-data", Reason::kNonceMismatch);
  expect_only(judged(tpm.evidence(), tpm.collateral(), Bytes(65, 0x5A)), "report-data", Reason::kNonceMismatch);
  const Collateral collateral = tpm.collateral();
  const Verdict unasked = verify(tpm.evidence(), {.now = kNow, .report_data = {}, .collateral = &collateral});
  expect_passed_but(unasked, {"report-data"});
  expect_only(judged({.extra_data = {}}), "report-data", Reason::kNonceMismatch);
}

TEST(Tpm, QuestionWithZerosBehindItOrInShort) {
  const auto answered = [](const Bytes& extra, const Bytes& asked) {
    const SimulatedTpm tpm({.extra_data = extra});
    return judged(tpm.evidence(), tpm.collateral(), asked).sound();
  };
  const Bytes asked(64, 0x5A);
  EXPECT_TRUE(answered(to_bytes(crypto::sha256(asked)), asked));
  Bytes padded(48, 0x5A);
  padded.resize(64);
  EXPECT_TRUE(answered(padded, Bytes(48, 0x5A)));
  EXPECT_TRUE(answered(Bytes(48, 0x5A), padded));
  EXPECT_FALSE(answered(to_bytes(crypto::sha256(Bytes(32, 1))), Bytes(32, 1)));
  EXPECT_FALSE(answered(Bytes(63, 0x5A), asked));
}

TEST(Tpm, StatementThatIsntAQuote) {
  expect_malformed(SimulatedTpm({.magic = 0xFF544346}).evidence());
  for (const std::uint16_t type : {0x8014, 0x8017, 0x8019, 0x801A}) {
    expect_malformed(SimulatedTpm({.type = type}).evidence());
  }
}

TEST(Tpm, TruncatedOrLongerParts) {
  const Evidence good = SimulatedTpm().evidence();
  for (const char* part : {"quote", "signature", "ak"}) {
    for (std::size_t size = 0; size < good.part(part).size(); ++size) {
      Evidence evidence = good;
      evidence.parts[part].resize(size);
      EXPECT_EQ(judged(evidence, {}).checks.size(), 1U) << part << " " << size;
    }
    Evidence longer = good;
    longer.parts[part].push_back(0);
    expect_malformed(longer);
  }
}

TEST(Tpm, HashesAndSchemesThatArentUsedHere) {
  Evidence evidence = SimulatedTpm().evidence();
  evidence.parts["signature"][3] = 0x04;  // SHA-1
  expect_malformed(evidence, Reason::kUnsupported);
  evidence = SimulatedTpm().evidence();
  evidence.parts["signature"][1] = 0x16;  // RSAPSS
  expect_malformed(evidence, Reason::kUnsupported);
  evidence = SimulatedTpm().evidence();
  evidence.parts["ak"][3] = 0x08;  // a keyed hash
  expect_malformed(evidence, Reason::kUnsupported);
}

TEST(Tpm, EveryFlippedByte) {
  for (const TpmParts::Key key : {TpmParts::Key::kEcdsa, TpmParts::Key::kRsa}) {
    const SimulatedTpm tpm({.key = key});
    const Collateral collateral = tpm.collateral();
    cloister::testing::expect_every_flip_noticed(
        tpm.evidence(), [&](const Evidence& evidence) { return judged(evidence, collateral); }, {});
  }
}

TEST(Tpm, Needs) {
  const SimulatedTpm tpm;
  const auto wanted = needs(tpm.evidence());
  ASSERT_EQ(wanted.size(), 1U);
  EXPECT_EQ(wanted[0].name(), tpm.collateral().items().begin()->first);
  EXPECT_TRUE(needs({Kind::kTpm, {}}).empty());
}

}  // namespace
}  // namespace cloister::attest
