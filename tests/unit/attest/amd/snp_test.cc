#include "attest/amd/snp.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/base64.h"
#include "tests/support/flip.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/value_of.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

const std::vector<std::string> kChecks = {"parse",
                                          "endorsement",
                                          "signer",
                                          "product",
                                          "chip",
                                          "tcb",
                                          "published-key",
                                          "certificate-chain",
                                          "certificate-dates",
                                          "revocation",
                                          "rollback",
                                          "report-signature",
                                          "debug",
                                          "migration",
                                          "report-data"};

class Snp : public ::testing::Test {
 protected:
  SimulatedAmd amd_;
  std::unique_ptr<SnpQuestion> asked_ = snp_question(amd_);

  Verdict judge(const SnpParts& parts) { return verify(amd_.snp(parts), asked_->question); }
  Verdict judge(const Evidence& evidence) { return verify(evidence, asked_->question); }
};

void expect_sound(const Verdict& verdict) {
  const Check* problem = verdict.first_problem();
  EXPECT_TRUE(verdict.sound()) << (problem == nullptr ? "" : problem->name + ": " + problem->detail);
  EXPECT_EQ(names_of(verdict), kChecks);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
}

TEST_F(Snp, EveryProductSignerAndVersionVerifies) {
  for (const SnpProduct product : {SnpProduct::kMilan, SnpProduct::kGenoa, SnpProduct::kTurin}) {
    SimulatedAmd amd(product);
    const auto asked = snp_question(amd);
    for (const SnpSigningKey signer : {SnpSigningKey::kVcek, SnpSigningKey::kVlek}) {
      for (const std::uint32_t version : {2U, 3U, 5U}) {
        SCOPED_TRACE(std::string(snp_product_name(product)) + " " + std::to_string(version));
        SnpParts parts;
        parts.product = product;
        parts.signer = signer;
        parts.version = version;
        if (product == SnpProduct::kTurin) parts.tcb.fmc = 2;
        expect_sound(verify(amd.snp(parts), asked->question));
      }
    }
  }
}

TEST_F(Snp, ClaimsAreTheReports) {
  const Verdict verdict = judge(SnpParts{.edit = [](Bytes& report) {
    store_le(&report[0x030], std::uint32_t{1});
    report[0x038 + 7] = 255;  // current microcode
    report[0x1E0 + 6] = 22;   // committed snp
  }});
  const Claims& claims = verdict.claims;
  EXPECT_EQ(std::get<Bytes>(claims.at("measurement")), Bytes(48, 0x4D));
  EXPECT_EQ(std::get<Bytes>(claims.at("chip_id")), Bytes(64, 0xC1));
  EXPECT_EQ(std::get<std::string>(claims.at("product")), "Milan");
  EXPECT_EQ(std::get<std::uint64_t>(claims.at("snp.vmpl")), 1U);
  EXPECT_EQ(std::get<std::uint64_t>(claims.at("snp.reported.microcode")), 219U);
  EXPECT_EQ(std::get<std::uint64_t>(claims.at("snp.current.microcode")), 255U);
  EXPECT_EQ(std::get<std::uint64_t>(claims.at("snp.minimum.snp")), 22U);
  EXPECT_TRUE(std::get<bool>(claims.at("snp.alias_check_complete")));
  EXPECT_FALSE(std::get<bool>(claims.at("debug")));
}

TEST_F(Snp, UnreadableReports) {
  const Bytes good = amd_.report({});
  const std::vector<std::pair<const char*, std::function<void(Bytes&)>>> damages = {
      {"empty", [](Bytes& report) { report.clear(); }},
      {"short", [](Bytes& report) { report.pop_back(); }},
      {"long", [](Bytes& report) { report.push_back(0); }},
      {"version 4", [](Bytes& report) { report[0] = 4; }},
      {"version 0", [](Bytes& report) { report[0] = 0; }},
      {"algorithm", [](Bytes& report) { report[0x034] = 2; }},
      {"policy bit 17", [](Bytes& report) { report[0x00A] = 0x01; }},
      {"bytes behind the signature", [](Bytes& report) { report[0x330] = 1; }},
  };
  for (const auto& [name, damage] : damages) {
    SCOPED_TRACE(name);
    Evidence evidence = amd_.snp();
    damage(evidence.parts["report"]);
    const Verdict verdict = judge(evidence);
    expect_only(verdict, "parse", Reason::kMalformed);
    EXPECT_TRUE(verdict.claims.empty());
    EXPECT_TRUE(needs(evidence).empty());
  }
}

TEST_F(Snp, DebugAndMigration) {
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { report[0x00A] |= 0x08; }}), "debug", Reason::kDebug);
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { report[0x00A] |= 0x04; }}), "migration", Reason::kNotAllowed);
}

TEST_F(Snp, AnotherQuestionsReport) {
  asked_->question.report_data = Bytes(32, 0x5A);  // zeros behind it
  expect_only(judge(SnpParts{}), "report-data", Reason::kNonceMismatch);
  SnpParts padded;
  padded.report_data = Bytes(32, 0x5A);
  padded.report_data.resize(64);
  expect_sound(judge(padded));
  asked_->question.report_data = Bytes(65, 0x5A);
  expect_only(judge(SnpParts{}), "report-data", Reason::kNonceMismatch);
  asked_->question.report_data.reset();
  EXPECT_EQ(judge(SnpParts{}).find("report-data")->state, CheckState::kNotEvaluated);
}

TEST_F(Snp, AnotherChipsCertificate) {
  Evidence evidence = amd_.snp();
  evidence.parts["vcek"] = amd_.leaf({.chip_id = Bytes(64, 0xC2)});
  expect_only(judge(evidence), "chip", Reason::kBindingMismatch);
}

TEST_F(Snp, ChipIdThatIsMasked) {
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { std::fill_n(report.begin() + 0x1A0, 64, 0); }}), "chip",
              Reason::kBindingMismatch);
}

TEST_F(Snp, CertificateForOtherVersions) {
  for (unsigned component = 0; component < 4; ++component) {
    SnpParts parts;
    (component == 0   ? parts.tcb.bootloader
     : component == 1 ? parts.tcb.tee
     : component == 2 ? parts.tcb.snp
                      : parts.tcb.microcode) += 1;
    Evidence evidence = amd_.snp();
    evidence.parts["vcek"] = amd_.leaf(parts);
    expect_only(judge(evidence), "tcb", Reason::kBindingMismatch);
  }
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { report[0x180 + 3] = 1; }}), "tcb", Reason::kBindingMismatch);
}

TEST_F(Snp, TurinReadInTheOrderOfMilan) {
  SimulatedAmd turin(SnpProduct::kTurin);
  const auto asked = snp_question(turin);
  SnpParts parts;
  parts.tcb.fmc = 1;
  parts.edit = [](Bytes& report) {
    const std::uint8_t order_of_milan[] = {4, 0, 0, 0, 0, 0, 24, 219};
    std::ranges::copy(order_of_milan, report.begin() + 0x180);
  };
  expect_only(verify(turin.snp(parts), asked->question), "tcb", Reason::kBindingMismatch);
}

TEST_F(Snp, SignatureThatIsNone) {
  const std::vector<std::pair<std::size_t, Bytes>> changes = {
      {0x2A0, Bytes(72, 0)},            // r is zero
      {0x2E8, Bytes(72, 0)},            // s is zero
      {0x2A0, Bytes(48, 0xFF)},         // r is above the order
      {0x2E8, Bytes(48, 0xFF)},         //
      {0x2A0 + 48, Bytes{1}},           // r is longer than a scalar
      {0x2E8 + 71, Bytes{1}},           //
      {0x2A0, Bytes{0x01, 0x02, 0x03}}  // another one
  };
  for (const auto& [at, bytes] : changes) {
    Evidence evidence = amd_.snp();
    std::ranges::copy(bytes, evidence.parts["report"].begin() + static_cast<std::ptrdiff_t>(at));
    const Verdict verdict = judge(evidence);
    expect_only(verdict, "report-signature", Reason::kBadSignature);
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
    EXPECT_TRUE(verdict.claims.empty());
  }
}

TEST_F(Snp, ReportThatNamesNoKey) {
  for (const std::uint8_t key : {7, 2, 6}) {
    const Verdict verdict =
        judge(SnpParts{.edit = [key](Bytes& report) { report[0x048] = static_cast<std::uint8_t>(key << 2); }});
    expect_only(verdict, "signer", Reason::kBadChain);
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
  }
}

TEST_F(Snp, ProvidersKeyThroughTheChipsAuthority) {
  SnpParts parts;
  parts.signer = SnpSigningKey::kVlek;
  Evidence evidence = amd_.snp(parts);
  evidence.parts["asvk"] = amd_.authority(SnpSigningKey::kVcek).der();
  expect_failed(judge(evidence), "certificate-chain", Reason::kBadChain);
  expect_failed(judge(evidence), "signer", Reason::kBadChain);
  // Even where the chips' authority did sign it.
  parts.authority = SnpSigningKey::kVcek;
  evidence.parts["vlek"] = amd_.leaf(parts);
  expect_only(judge(evidence), "signer", Reason::kBadChain);
  EXPECT_TRUE(judge(evidence).claims.empty());
}

TEST_F(Snp, ChipsKeyThroughTheProvidersAuthority) {
  SnpParts parts;
  parts.authority = SnpSigningKey::kVlek;
  Evidence evidence = amd_.snp(parts);
  expect_only(judge(evidence), "certificate-chain", Reason::kBadChain);
  evidence.parts["ask"] = amd_.authority(SnpSigningKey::kVlek).der();
  expect_only(judge(evidence), "signer", Reason::kBadChain);
}

TEST_F(Snp, ProvidersKeyWhereTheReportNamesAChips) {
  Evidence evidence = amd_.snp({.signer = SnpSigningKey::kVlek});
  evidence.parts["report"] = amd_.report({});
  evidence.parts["vcek"] = evidence.parts["vlek"];
  evidence.parts["ask"] = evidence.parts["asvk"];
  expect_failed(judge(evidence), "signer", Reason::kBadChain);
}

TEST_F(Snp, ProvidersReportThatNamesAChip) {
  expect_only(judge(SnpParts{.signer = SnpSigningKey::kVlek, .edit = [](Bytes& report) { report[0x1A0] = 1; }}), "chip",
              Reason::kBindingMismatch);
}

TEST_F(Snp, AnotherProductsRootOrProcessor) {
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { report[0x189] = 0x11; }}), "product",
              Reason::kBindingMismatch);
  expect_only(judge(SnpParts{.edit = [](Bytes& report) { report[0x188] = 0x17; }}), "product",
              Reason::kBindingMismatch);
  // A root that is AMD's, but for another product.
  asked_->anchors = Anchors::insecure({{Root::kAmdGenoa, crypto::sha256(amd_.root().spki())}});
  expect_only(judge(SnpParts{}), "product", Reason::kBindingMismatch);
}

TEST_F(Snp, RootThatIsNobodys) {
  asked_->question.anchors = &Anchors::production();
  const Verdict verdict = judge(SnpParts{});
  expect_only(verdict, "certificate-chain", Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.find("product")->reason, Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_TRUE(verdict.claims.empty());
}

TEST_F(Snp, RootOfTheSameNameWithAnotherKey) {
  SimulatedAmd stranger(SnpProduct::kMilan, 700);
  expect_failed(judge(stranger.snp()), "certificate-chain", Reason::kUntrustedRoot);
  Evidence spliced = stranger.snp();
  spliced.parts["ark"] = amd_.root().der();
  expect_only(judge(spliced), "certificate-chain", Reason::kBadChain);
}

// go-sev-guest's fake VCEK, certified by a root that is trusted.
TEST_F(Snp, KeyWhosePrivatePartIsPublished) {
  const std::string pem =
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAENiOt8IflHZ8Zz2+iM7vGgB9KhRaxdOJ9"
      "GCtT4y5dZWYHbGUGVq7Tp0q+3ULRN9NILYwYgZRhgdJNjLgrfjrK2IF3jfsk1n3u"
      "dldvAb2nJiXnWG5k1YjdIV4ZuvtYdQFO";
  SnpParts parts;
  parts.leaf_key = value_of(crypto::PublicKey::from_spki(value_of(from_base64(pem))));
  const Verdict verdict = judge(parts);
  expect_failed(verdict, "published-key", Reason::kTestKey);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST_F(Snp, ExpiredOrNotYetValidCertificate) {
  expect_only(judge(SnpParts{.not_after = kNow}), "certificate-dates", Reason::kExpired);
  expect_only(judge(SnpParts{.not_before = kNow + seconds(1)}), "certificate-dates", Reason::kNotYetValid);
  // Who signed it is known all the same.
  EXPECT_FALSE(judge(SnpParts{.not_after = kNow}).claims.empty());
}

TEST_F(Snp, RevokedAuthorityOrRoot) {
  for (const std::uint8_t serial : {1, 2}) {
    asked_->collateral.add(amd_.revocations({{1, 0, serial}}));
    expect_only(judge(SnpParts{}), "revocation", Reason::kRevoked);
  }
  asked_->collateral.add(amd_.revocations({{1, 0, 77}}));
  expect_sound(judge(SnpParts{}));
}

TEST_F(Snp, NoAnswerAboutRevocation) {
  const auto expect_unknown = [this](const char* what) {
    const Verdict verdict = judge(SnpParts{});
    EXPECT_EQ(verdict.find("revocation")->state, CheckState::kNotEvaluated) << what;
    EXPECT_EQ(verdict.find("revocation")->reason, Reason::kRevocationUnknown) << what;
    EXPECT_FALSE(verdict.sound()) << what;
    EXPECT_FALSE(verdict.any_failed()) << what;
  };
  asked_->collateral.add(amd_.revocations({}, kNow + days(-30)));
  expect_unknown("an old list");
  asked_->collateral = {};
  expect_unknown("no list");
  asked_->question.collateral = nullptr;
  expect_unknown("no collateral");
}

TEST_F(Snp, FalseLists) {
  asked_->collateral.add(amd_.revocations({}, kNow + seconds(1)));
  expect_only(judge(SnpParts{}), "revocation", Reason::kNotYetValid);
  SimulatedAmd stranger(SnpProduct::kMilan, 700);
  asked_->collateral.add(stranger.revocations());
  expect_only(judge(SnpParts{}), "revocation", Reason::kBadSignature);
  CollateralItem broken = amd_.revocations();
  broken.body.pop_back();
  asked_->collateral.add(broken);
  expect_only(judge(SnpParts{}), "revocation", Reason::kMalformed);
}

TEST_F(Snp, OlderListThanWasSeen) {
  const Verdict first = judge(SnpParts{});
  ASSERT_EQ(first.seen.size(), 1U);
  EXPECT_EQ(first.seen.begin()->first, "amd/crl/Milan/vcek");
  Floors floors = first.seen;
  asked_->question.floors = &floors;
  expect_sound(judge(SnpParts{}));
  asked_->collateral.add(amd_.revocations({}, kNow + days(-2)));
  expect_only(judge(SnpParts{}), "rollback", Reason::kRollback);
}

TEST_F(Snp, CertificatesFromCollateralAndWhatIsMissing) {
  Evidence evidence = amd_.snp();
  const Bytes vcek = evidence.parts["vcek"];
  for (const char* part : {"vcek", "ask", "ark"}) evidence.parts.erase(part);
  const Verdict without = judge(evidence);
  EXPECT_EQ(names_of(without), kChecks);
  EXPECT_EQ(without.find("endorsement")->reason, Reason::kReferenceMissing);
  EXPECT_EQ(without.find("report-signature")->state, CheckState::kNotEvaluated);
  EXPECT_TRUE(without.claims.empty());

  const auto wanted = needs(evidence);
  ASSERT_EQ(wanted.size(), 3U);
  CollateralItem item;
  item.kind = wanted[0].kind;
  item.key = wanted[0].key;
  item.body = vcek;
  asked_->collateral.add(item);
  EXPECT_EQ(judge(evidence).find("certificate-chain")->reason, Reason::kReferenceMissing);
  EXPECT_EQ(judge(evidence).find("product")->reason, Reason::kReferenceMissing);
  const CollateralItem chain = amd_.chain();
  EXPECT_EQ(wanted[1].name(), chain.name());
  asked_->collateral.add(chain);
  const Verdict complete = judge(evidence);
  expect_sound(complete);
  EXPECT_EQ(complete.used.size(), 3U);
}

TEST_F(Snp, CertificatesThatCantBeRead) {
  for (const char* part : {"vcek", "ask", "ark"}) {
    Evidence evidence = amd_.snp();
    evidence.parts[part].pop_back();
    const Verdict verdict = judge(evidence);
    expect_only(verdict, "endorsement", Reason::kMalformed);
    EXPECT_EQ(names_of(verdict), kChecks);
  }
  Evidence evidence = amd_.snp();
  evidence.parts["certificates"] = Bytes(23, 1);
  expect_only(judge(evidence), "endorsement", Reason::kMalformed);
}

TEST_F(Snp, NeedsByReport) {
  Evidence evidence = amd_.snp({.version = 2});
  evidence.parts.erase("vcek");
  EXPECT_EQ(needs(evidence).size(), 4U);  // of Milan and Genoa: a certificate and a list
  SimulatedAmd turin(SnpProduct::kTurin);
  Evidence of_turin = turin.snp();
  of_turin.parts.erase("vcek");
  EXPECT_EQ(needs(of_turin)[0].key, "Turin/c1c1c1c1c1c1c1c1/00040018000000db");
  const auto of_provider = needs(amd_.snp({.signer = SnpSigningKey::kVlek}));
  ASSERT_EQ(of_provider.size(), 1U);
  EXPECT_EQ(of_provider[0].name(), "amd-crl/Milan/vlek");
}

TEST_F(Snp, EveryFlippedByteIsNoticed) {
  expect_every_flip_noticed(amd_.snp(), [this](const Evidence& changed) { return judge(changed); }, {}, {0x01});
}

TEST_F(Snp, Recognised) {
  const Bytes report = amd_.report({});
  const EvidenceSet set = value_of(recognise(report));
  EXPECT_EQ(set.primary, (Evidence{Kind::kSnp, {{"report", report}}}));
  Bytes extended = report;
  extended.resize(report.size() + 24);
  EXPECT_EQ(value_of(recognise(extended)).primary.part("certificates").size(), 24U);
  extended.pop_back();
  EXPECT_FALSE(recognise(extended).ok());
}

}  // namespace
}  // namespace cloister::attest
