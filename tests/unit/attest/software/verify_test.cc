#include "attest/software/verify.h"

#include <gtest/gtest.h>

#include "tests/support/simulated_software.h"

namespace cloister::attest {
namespace {

using testing::SimulatedSoftware;

std::string problem(const Verdict& verdict) {
  const Check* check = verdict.first_problem();
  return check == nullptr ? "" : check->name + " " + std::string(reason_name(*check->reason));
}

// The only check that doesn't pass, with its reason.
std::string only_problem(const Verdict& verdict) {
  unsigned problems = 0;
  for (const Check& check : verdict.checks) problems += check.state == CheckState::kPassed ? 0 : 1;
  EXPECT_EQ(problems, 1U);
  return problem(verdict);
}

TEST(VerifySoftware, EveryCheckPasses) {
  const SimulatedSoftware worker;
  const Verdict verdict = verify(worker.evidence(), worker.question());
  EXPECT_TRUE(verdict.sound()) << problem(verdict);
  EXPECT_EQ(verdict.checks.size(), 7U);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  EXPECT_EQ(std::get<Bytes>(verdict.claims.at("measurement")), Bytes(32, 1));
  EXPECT_EQ(std::get<Bytes>(verdict.claims.at("software.manifest")), Bytes(32, 2));
  EXPECT_EQ(std::get<Bytes>(verdict.claims.at("report_data")), Bytes(64, 3));
  EXPECT_FALSE(std::get<bool>(verdict.claims.at("debug")));
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("software.lockdown.secret-memory")), "weaker");
}

TEST(VerifySoftware, UnnamedKey) {
  SimulatedSoftware worker;
  worker.anchors = Anchors::production();
  const Verdict verdict = verify(worker.evidence(), worker.question());
  EXPECT_EQ(only_problem(verdict), "trusted-root untrusted-root");
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_TRUE(verdict.claims.empty());
}

TEST(VerifySoftware, KeyNamedAsAnotherRoot) {
  SimulatedSoftware worker;
  worker.anchors = Anchors::insecure({{Root::kIntelSgx, software_key_fingerprint(worker.key.public_key())}});
  EXPECT_EQ(only_problem(verify(worker.evidence(), worker.question())), "trusted-root untrusted-root");
}

TEST(VerifySoftware, NeverHardware) {
  SimulatedSoftware worker;
  worker.anchors = Anchors::insecure({{Root::kInsecureSoftware, software_key_fingerprint(worker.key.public_key())}});
  EXPECT_EQ(verify(worker.evidence(), worker.question()).assurance, Assurance::kInsecureSoftware);
}

TEST(VerifySoftware, AnothersSignature) {
  const SimulatedSoftware worker;
  Evidence evidence = worker.evidence();
  evidence.parts.at("statement").back() ^= 1;
  const Verdict verdict = verify(evidence, worker.question());
  EXPECT_EQ(only_problem(verdict), "signature bad-signature");
  EXPECT_TRUE(verdict.claims.empty());
}

TEST(VerifySoftware, Debug) {
  SimulatedSoftware worker;
  worker.statement.debug = true;
  EXPECT_EQ(only_problem(verify(worker.evidence(), worker.question())), "debug debug");
}

TEST(VerifySoftware, OtherReportData) {
  const SimulatedSoftware worker;
  Question question = worker.question();
  question.report_data = Bytes(64, 4);
  EXPECT_EQ(only_problem(verify(worker.evidence(), question)), "report-data binding-mismatch");
  question.report_data = Bytes(65, 3);
  EXPECT_EQ(only_problem(verify(worker.evidence(), question)), "report-data binding-mismatch");
  question.report_data.reset();
  EXPECT_EQ(only_problem(verify(worker.evidence(), question)), "report-data reference-missing");
}

TEST(VerifySoftware, ShortReportDataIsPadded) {
  SimulatedSoftware worker;
  worker.statement.report_data = {};
  worker.statement.report_data[0] = 9;
  Question question = worker.question();
  question.report_data = Bytes{9};
  EXPECT_TRUE(verify(worker.evidence(), question).sound());
}

TEST(VerifySoftware, StaleAndFromTheFuture) {
  const SimulatedSoftware worker;
  Question question = worker.question();
  question.now = SimulatedSoftware::kNow + hours(24);
  EXPECT_TRUE(verify(worker.evidence(), question).sound());
  question.now = question.now + seconds(1);
  EXPECT_EQ(only_problem(verify(worker.evidence(), question)), "validity expired");
  question.now = Time{SimulatedSoftware::kNow.unix_ms - minutes(6).ms};
  EXPECT_EQ(only_problem(verify(worker.evidence(), question)), "validity not-yet-valid");
}

TEST(VerifySoftware, ImpossibleTime) {
  SimulatedSoftware worker;
  worker.statement.time = Time{-1};
  EXPECT_EQ(problem(verify(worker.evidence(), worker.question())), "parse malformed");
}

TEST(VerifySoftware, PartsThatAreNoneOfIt) {
  const SimulatedSoftware worker;
  Evidence evidence = worker.evidence();
  evidence.parts.emplace("quote", Bytes{1});
  EXPECT_EQ(problem(verify(evidence, worker.question())), "parse malformed");
  evidence.parts.clear();
  EXPECT_EQ(problem(verify(evidence, worker.question())), "parse malformed");
}

TEST(VerifySoftware, EveryByteIsCovered) {
  const SimulatedSoftware worker;
  const Evidence evidence = worker.evidence();
  for (std::size_t i = 0; i < evidence.part("statement").size(); ++i) {
    for (const std::uint8_t bit : {std::uint8_t{1}, std::uint8_t{0x80}}) {
      Evidence flipped = evidence;
      flipped.parts.at("statement")[i] ^= bit;
      EXPECT_FALSE(verify(flipped, worker.question()).sound()) << i;
    }
  }
}

}  // namespace
}  // namespace cloister::attest
