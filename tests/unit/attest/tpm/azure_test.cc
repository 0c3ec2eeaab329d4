#include "attest/tpm/azure.h"

#include <gtest/gtest.h>

#include "attest/tpm/hcl_report.h"
#include "tests/support/expect.h"
#include "tests/support/flip.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/simulated_tpm.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_failed;
using cloister::testing::expect_only;
using cloister::testing::expect_passed_but;
using cloister::testing::expect_refused;
using cloister::testing::hcl_json;
using cloister::testing::hcl_report;
using cloister::testing::HclParts;
using cloister::testing::kNow;
using cloister::testing::SimulatedAmd;
using cloister::testing::SimulatedTpm;
using cloister::testing::snp_question;
using cloister::testing::SnpQuestion;
using cloister::testing::TpmParts;

Bytes padded_digest(const std::string& text) {
  Bytes digest = to_bytes(crypto::sha256(as_bytes(text)));
  digest.resize(64);
  return digest;
}

// A machine of Azure's with an AMD chip and a virtual TPM of a test's own.
struct Machine {
  SimulatedAmd amd;
  SimulatedTpm tpm{{.key = TpmParts::Key::kRsa}};
  std::string json = hcl_json(tpm.key());
  std::unique_ptr<SnpQuestion> known = snp_question(amd);

  Evidence evidence(const std::function<void(Bytes&)>& edit = {}) {
    Evidence snp = amd.snp({.report_data = padded_digest(json), .edit = edit});
    Evidence evidence = tpm.evidence();
    evidence.kind = Kind::kAzureSnpVtpm;
    evidence.parts.erase("ak");
    evidence.parts["hcl"] = hcl_report({.hardware_report = snp.parts.at("report"), .json = json});
    snp.parts.erase("report");
    evidence.parts.merge(snp.parts);
    return evidence;
  }

  Verdict judged(const Evidence& evidence, const Bytes& asked = Bytes(64, 0x5A)) const {
    Question question = known->question;
    question.report_data = asked;
    return verify(evidence, question);
  }
};

TEST(Azure, HardwareVouchesForTheVirtualTpm) {
  Machine machine;
  const Verdict verdict = machine.judged(machine.evidence());
  expect_passed_but(verdict, {});
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(verdict.kind, Kind::kAzureSnpVtpm);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);  // the root is a test's
  EXPECT_EQ(verdict.checks.front().name, "parse");
  EXPECT_NE(verdict.find("snp-report-signature"), nullptr);
  EXPECT_EQ(verdict.find("snp-report-data"), nullptr);
  const std::size_t count = verdict.checks.size();
  EXPECT_EQ(verdict.checks[count - 5].name, "binding");
  EXPECT_EQ(verdict.checks[count - 1].name, "report-data");
  EXPECT_EQ(verdict.claims.at("report_data"), ClaimValue(Bytes(64, 0x5A)));
  EXPECT_EQ(verdict.claims.at("az.report_data"), ClaimValue(padded_digest(machine.json)));
  EXPECT_EQ(verdict.claims.at("az.secure_boot"), ClaimValue(true));
  EXPECT_EQ(verdict.claims.at("az.console"), ClaimValue(false));
  EXPECT_EQ(verdict.claims.at("az.machine_id"), ClaimValue(std::string("7DF7B373")));
  EXPECT_EQ(verdict.claims.at("tpm.pcr0"), ClaimValue(Bytes(32, 0x10)));
  EXPECT_EQ(verdict.claims.count("measurement"), 1U);
  EXPECT_FALSE(verdict.used.empty());
}

TEST(Azure, KeysThatTheHardwareDoesntVouchFor) {
  Machine machine;
  Evidence evidence = machine.evidence();
  Bytes& hcl = evidence.parts["hcl"];
  hcl[hcl.size() - 64 - 3] ^= 3;  // the last digit of the user data, f to e
  const Verdict verdict = machine.judged(evidence);
  expect_only(verdict, "binding", Reason::kBindingMismatch);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(Azure, TheQuestionInTheHardwaresReport) {
  Machine machine;
  Evidence evidence = machine.evidence();
  const Evidence snp = machine.amd.snp({.report_data = Bytes(64, 0x5A)});
  evidence.parts["hcl"] = hcl_report({.hardware_report = snp.parts.at("report"), .json = machine.json});
  expect_only(machine.judged(evidence), "binding", Reason::kBindingMismatch);
}

TEST(Azure, ReportThatTheParavisorDidntAskFor) {
  Machine machine;
  for (const std::uint8_t level : {1, 2, 3}) {
    const Evidence evidence = machine.evidence([level](Bytes& report) { report[0x030] = level; });
    const Verdict verdict = machine.judged(evidence);
    expect_only(verdict, "binding", Reason::kNotAllowed);
    EXPECT_TRUE(verdict.claims.empty());
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
  }
}

TEST(Azure, QuoteOfAnotherTpm) {
  Machine machine;
  Evidence evidence = machine.evidence();
  const SimulatedTpm other;
  for (const char* part : {"quote", "signature"}) evidence.parts[part] = to_bytes(other.evidence().part(part));
  const Verdict verdict = machine.judged(evidence);
  expect_only(verdict, "quote-signature", Reason::kBadSignature);
  EXPECT_TRUE(verdict.claims.empty());
}

TEST(Azure, AnotherQuestion) {
  Machine machine;
  expect_only(machine.judged(machine.evidence(), Bytes(64, 0x5B)), "report-data", Reason::kNonceMismatch);
}

TEST(Azure, HardwareThatIsRefused) {
  Machine machine;
  Evidence evidence = machine.evidence();
  evidence.parts["hcl"][32 + 0x90] ^= 1;  // the measurement
  const Verdict verdict = machine.judged(evidence);
  expect_failed(verdict, "snp-report-signature", Reason::kBadSignature);
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  Evidence production = machine.evidence();
  Question question = machine.known->question;
  question.report_data = Bytes(64, 0x5A);
  question.anchors = &Anchors::production();
  expect_failed(verify(production, question), "snp-certificate-chain", Reason::kUntrustedRoot);
}

TEST(Azure, AnotherKindThanItSays) {
  Machine machine;
  Evidence evidence = machine.evidence();
  evidence.kind = Kind::kAzureTdxVtpm;
  expect_only(machine.judged(evidence), "parse", Reason::kMalformed);
}

// Certificates and report are the hardware's, and flipped there.
TEST(Azure, EveryFlippedByte) {
  constexpr std::size_t kReportAt = 32, kReportEnd = 32 + kHclHardwareReportSize;
  Machine machine;
  const Evidence whole = machine.evidence();
  const Bytes& blob = whole.parts.at("hcl");
  const Bytes report(blob.begin() + kReportAt, blob.begin() + kReportEnd);
  Evidence layers{whole.kind, {}};
  for (const char* part : {"quote", "signature", "pcrs"}) layers.parts[part] = whole.parts.at(part);
  layers.parts["hcl"] = blob;
  layers.parts["hcl"].erase(layers.parts["hcl"].begin() + kReportAt, layers.parts["hcl"].begin() + kReportEnd);
  const auto judge = [&](Evidence changed) {
    Bytes& hcl = changed.parts.at("hcl");
    hcl.insert(hcl.begin() + kReportAt, report.begin(), report.end());
    for (const auto& [name, bytes] : whole.parts) changed.parts.emplace(name, bytes);
    return machine.judged(changed);
  };
  cloister::testing::expect_every_flip_noticed(layers, judge, {}, {0x01});
}

TEST(Azure, Needs) {
  Machine machine;
  EXPECT_FALSE(needs(machine.evidence()).empty());
  EXPECT_TRUE(needs({Kind::kAzureSnpVtpm, {}}).empty());
}

TEST(HclReport, OutlineThatIsntOne) {
  const SimulatedTpm tpm({.key = TpmParts::Key::kRsa});
  const std::string json = hcl_json(tpm.key());
  const Bytes good = hcl_report({.hardware_report = Bytes(1184, 1), .json = json});
  ASSERT_TRUE(parse_hcl_report(good).ok());
  for (std::size_t size = 0; size < good.size() - 64; size += 3) {
    EXPECT_FALSE(parse_hcl_report(ByteView(good).first(size)).ok()) << size;
  }
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{4}, std::size_t{8}, std::size_t{12}, std::size_t{20}, std::size_t{1216},
        std::size_t{1220}, std::size_t{1224}, std::size_t{1228}, std::size_t{1232}, good.size() - 1}) {
    Bytes bytes = good;
    bytes[at] ^= 0x40;
    EXPECT_FALSE(parse_hcl_report(bytes).ok()) << at;
  }
  EXPECT_FALSE(parse_hcl_report(Bytes(kHclReportSizeMax + 1)).ok());
}

TEST(HclReport, KeysThatArentOne) {
  const auto parsed = [](const std::string& json) {
    return parse_hcl_report(hcl_report({.hardware_report = Bytes(1184, 1), .json = json}));
  };
  const SimulatedTpm tpm({.key = TpmParts::Key::kRsa});
  const std::string json = hcl_json(tpm.key());
  ASSERT_TRUE(parsed(json).ok());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = json;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return parsed(text.replace(at, from.size(), to));
  };
  expect_refused(changed("HCLAkPub", "HCLEkPub"), Code::kInvalid, "HCLAkPub");
  expect_refused(changed("\"sign\"", "\"encrypt\""), Code::kInvalid, "HCLAkPub");
  expect_refused(changed("\"sign\"", "\"sign\",\"encrypt\""), Code::kInvalid, "HCLAkPub");
  expect_refused(changed("\"keys\"", "\"kids\""), Code::kInvalid, "list of keys");
  expect_refused(changed("\"00ff\"", "7"), Code::kInvalid, "user data");
  expect_refused(parsed("{}"), Code::kInvalid, "list of keys");
  expect_refused(parsed("{\"keys\":[],\"keys\":[]}"), Code::kInvalid, "JSON");
  expect_refused(parsed(""), Code::kInvalid, "JSON");
  const SimulatedTpm curve;
  expect_refused(parsed(hcl_json(curve.key())), Code::kInvalid, "HCLAkPub");
}

}  // namespace
}  // namespace cloister::attest
