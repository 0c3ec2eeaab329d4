#include "attest/amd/sev.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/flip.h"
#include "tests/support/published_key.h"
#include "tests/support/simulated_sev.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

const std::vector<std::string> kChecks = {"parse",         "published-key", "root",          "ark-signature",
                                          "ask-signature", "cek-signature", "pek-signature", "pek-owner-signature",
                                          "oca-signature", "pdh-signature", "revocation",    "report-signature",
                                          "debug",         "report-data"};

class Sev : public ::testing::Test {
 protected:
  SimulatedSev sev_;
  Anchors anchors_ = sev_.anchors();
  Question question_{kNow, Bytes(16, 0x5A), nullptr, &anchors_, nullptr};

  Verdict judge(const SevParts& parts) { return verify(sev_.chain(parts), question_); }
  Verdict judge(const Evidence& evidence) { return verify(evidence, question_); }
};

SevParts edited(const char* part, std::function<void(Bytes&)> edit) { return SevParts{{{part, std::move(edit)}}}; }

TEST_F(Sev, ChainAndReportVerifyAndAreNeverSound) {
  const Verdict verdict = judge(SevParts{});
  EXPECT_EQ(names_of(verdict), kChecks);
  expect_passed_but(verdict, {"revocation"});
  EXPECT_FALSE(verdict.sound());
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  EXPECT_EQ(std::get<Bytes>(verdict.claims.at("measurement")), Bytes(32, 0x4D));
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("product")), "Naples");
  EXPECT_TRUE(std::get<bool>(verdict.claims.at("sev.encrypted_state")));
}

TEST_F(Sev, ChainWithoutAReport) {
  Evidence evidence = sev_.chain();
  evidence.parts.erase("report");
  const Verdict verdict = judge(evidence);
  EXPECT_EQ(names_of(verdict), kChecks);
  expect_passed_but(verdict, {"revocation", "report-signature", "debug", "report-data"});
  EXPECT_FALSE(verdict.claims.contains("measurement"));
}

TEST_F(Sev, Unreadable) {
  for (const char* part : {"ark", "ask", "cek", "oca", "pek", "pdh", "report"}) {
    Evidence cut = sev_.chain();
    cut.parts[part].pop_back();
    expect_only(judge(cut), "parse", Reason::kMalformed);
    Evidence longer = sev_.chain();
    longer.parts[part].push_back(0);
    expect_only(judge(longer), "parse", Reason::kMalformed);
    if (std::string_view(part) == "report") continue;
    Evidence without = sev_.chain();
    without.parts.erase(part);
    expect_only(judge(without), "parse", Reason::kMalformed);
  }
  const std::vector<std::pair<const char*, std::size_t>> wrong = {
      {"ark", 0}, {"ark", 36}, {"ark", 40}, {"ark", 57}, {"ark", 61},  {"cek", 0},      {"cek", 6},
      {"cek", 8}, {"pdh", 12}, {"pek", 16}, {"pek", 70}, {"oca", 200}, {"report", 0x3C}};
  for (const auto& [part, at] : wrong) {
    SCOPED_TRACE(std::string(part) + " " + std::to_string(at));
    expect_only(judge(edited(part, [at = at](Bytes& bytes) { bytes[at] ^= 0x40; })), "parse", Reason::kMalformed);
  }
}

TEST_F(Sev, EachSignatureAlone) {
  const std::vector<std::tuple<const char*, std::size_t, std::string>> changes = {
      {"cek", 1060, "cek-signature"}, {"oca", 1060, "oca-signature"}, {"pek", 1060, "pek-owner-signature"},
      {"pek", 1580, "pek-signature"}, {"pdh", 1060, "pdh-signature"}, {"report", 0x50, "report-signature"},
      {"ark", 600, "ark-signature"},  {"ask", 600, "ask-signature"}};
  for (const auto& [part, at, name] : changes) {
    SCOPED_TRACE(name);
    Evidence evidence = sev_.chain();
    evidence.parts[part][at] ^= 1;
    const Verdict verdict = judge(evidence);
    expect_only(verdict, name, Reason::kBadSignature);
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
    EXPECT_TRUE(verdict.claims.empty());
  }
}

TEST_F(Sev, SignatureInTheWrongPlaceTwiceOrMissing) {
  Evidence moved = sev_.chain();
  Bytes& pek = moved.parts["pek"];
  std::swap_ranges(pek.begin() + 1044, pek.begin() + 1564, pek.begin() + 1564);
  EXPECT_FALSE(judge(moved).any_failed()) << "slots are found by their use";
  Evidence twice = sev_.chain();
  std::copy_n(twice.parts["pek"].begin() + 1044, 520, twice.parts["pek"].begin() + 1564);
  expect_failed(judge(twice), "pek-signature", Reason::kBadSignature);
  expect_failed(judge(twice), "pek-owner-signature", Reason::kBadSignature);
  Evidence behind = sev_.chain();
  behind.parts["pdh"][1052 + 200] = 1;
  expect_only(judge(behind), "pdh-signature", Reason::kBadSignature);
  Evidence zero = sev_.chain();
  std::fill_n(zero.parts["pdh"].begin() + 1052, 72, 0);
  expect_only(judge(zero), "pdh-signature", Reason::kBadSignature);
  for (const std::uint8_t algorithm : {1, 3}) {
    Evidence other = sev_.chain();
    other.parts["pdh"][1048] = algorithm;
    expect_only(judge(other), "pdh-signature", Reason::kBadSignature);
    other = sev_.chain();
    other.parts["cek"][1048] = static_cast<std::uint8_t>(algorithm + 1);
    expect_only(judge(other), "cek-signature", Reason::kBadSignature);
  }
}

TEST_F(Sev, AnotherRoot) {
  expect_only(judge(edited("ask", [](Bytes& ask) { ask[20] = 9; })), "ask-signature", Reason::kBadSignature);
  question_.anchors = &Anchors::production();
  expect_only(judge(SevParts{}), "root", Reason::kUntrustedRoot);
  EXPECT_EQ(judge(SevParts{}).assurance, Assurance::kNone);
}

TEST_F(Sev, KeyWhosePrivatePartIsPublished) {
  const Verdict verdict = judge(edited("cek", [](Bytes& cek) {
    const crypto::PublicKey key = published_key();
    const ByteView point = key.raw().subspan(1);
    for (std::size_t i = 0; i < 48; ++i) {
      cek[20 + i] = point[47 - i];
      cek[92 + i] = point[95 - i];
    }
  }));
  expect_failed(verdict, "published-key", Reason::kTestKey);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST_F(Sev, DebugAndAnotherQuestion) {
  expect_only(judge(edited("report", [](Bytes& report) { report[0x30] = 4; })), "debug", Reason::kDebug);
  expect_only(judge(edited("report", [](Bytes& report) { report[0] = 4; })), "report-data", Reason::kNonceMismatch);
  question_.report_data.reset();
  expect_passed_but(judge(SevParts{}), {"revocation", "report-data"});
}

// A part a test: each byte costs the verification of a whole chain.
class SevFlip : public Sev, public ::testing::WithParamInterface<const char*> {};

TEST_P(SevFlip, IsNoticedInEveryByte) {
  const Evidence whole = sev_.chain();
  const auto judge_changed = [&](const Evidence& part) {
    Evidence changed = whole;
    for (const auto& [name, bytes] : part.parts) changed.parts[name] = bytes;
    return judge(changed);
  };
  expect_every_flip_noticed({Kind::kSev, {{GetParam(), whole.parts.at(GetParam())}}}, judge_changed, {}, {0x01});
}

INSTANTIATE_TEST_SUITE_P(Parts, SevFlip, ::testing::Values("ark", "ask", "cek", "oca", "pek", "pdh", "report"));

}  // namespace
}  // namespace cloister::attest
