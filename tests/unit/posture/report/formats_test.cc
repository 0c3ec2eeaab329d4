// OSCAL, SARIF, OCSF, CycloneDX and CSV: well-formed whatever the names are, and never a silence that reads as a pass.
// Their schemas are held against them by tests/interop/posture_reports_test.py.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "posture/report/csv.h"
#include "posture/report/cyclonedx.h"
#include "posture/report/ocsf.h"
#include "posture/report/oscal.h"
#include "posture/report/sarif.h"
#include "posture/report/terminal.h"
#include "support/sample_posture.h"

namespace cloister::posture::report {
namespace {

using Json = nlohmann::json;

std::string text(const Json& json) { return json.get<std::string>(); }

Json oscal(const Posture& posture) {
  return Json::parse(oscal_assessment_results(posture)).at("assessment-results").at("results").at(0);
}

TEST(OscalTest, EachControlIsAFindingOrAnObservationThatSaysWhyNot) {
  const Posture posture = testing::sample_before();
  const Json result = oscal(posture);
  std::set<std::string> observed, found;
  for (const Json& one : result.at("observations")) observed.insert(text(one.at("props").at(0).at("value")));
  for (const Json& one : result.at("findings")) found.insert(text(one.at("target").at("target-id")));
  for (const ControlAssessment& control : posture.assessment.controls) {
    EXPECT_TRUE(observed.contains(control.control)) << control.control;
    EXPECT_EQ(found.contains(control.control),
              control.status != Status::kNotAssessed && control.status != Status::kNotApplicable)
        << control.control;
  }
}

TEST(OscalTest, ExceptionsAreDeviationsWithADeadline) {
  const Json result = oscal(testing::sample_before());
  bool seen = false;
  for (const Json& risk : result.at("risks")) {
    if (text(risk.at("status")) != "deviation-approved") continue;
    seen = true;
    EXPECT_EQ(text(risk.at("deadline")), "2026-12-08T09:30:00.000Z");
  }
  EXPECT_TRUE(seen);
  for (const Json& finding : result.at("findings")) {
    if (text(finding.at("target").at("target-id")) == "REST-06") {
      EXPECT_EQ(text(finding.at("target").at("status").at("state")), "not-satisfied");
    }
  }
}

TEST(OscalTest, SubjectsKeepTheirUuidsFromRunToRun) {
  const auto items = [](const Posture& posture) {
    std::set<std::string> uuids;
    const Json result = oscal(posture);
    for (const Json& one : result.at("local-definitions").at("inventory-items")) uuids.insert(text(one.at("uuid")));
    return uuids;
  };
  const std::set<std::string> before = items(testing::sample_before()), after = items(testing::sample_after());
  for (const std::string& one : after) EXPECT_TRUE(before.contains(one)) << one;
}

TEST(OscalTest, NoSpaceOfAnotherScriptEndsAValue) {
  Posture posture;
  posture.assessment.estate = "nothing";
  SubjectVerdict verdict;
  verdict.subject = {SubjectKind::kObject, "corpus#a\xe3\x80\x80"};
  posture.assessment.controls = {{"REST-01", Status::kNotAssessed, "nobody looked", {verdict}}};
  const Json item = oscal(posture).at("local-definitions").at("inventory-items").at(0);
  EXPECT_EQ(text(item.at("props").at(0).at("value")), "object:corpus#a\\u{3000}");
}

TEST(OscalTest, EmptyListsAreLeftOut) {
  Posture posture;
  posture.assessment.estate = "nothing";
  posture.assessment.controls = {{"REST-01", Status::kNotAssessed, "nobody looked", {}}};
  const Json result = oscal(posture);
  EXPECT_FALSE(result.contains("findings"));
  EXPECT_FALSE(result.contains("risks"));
  EXPECT_FALSE(result.at("local-definitions").contains("inventory-items"));
}

TEST(SarifTest, KindsSayWhatBecameOfIt) {
  const Posture posture = testing::sample_before();
  const Json run = Json::parse(sarif_report(posture)).at("runs").at(0);
  std::size_t results = 0;
  for (const ControlAssessment& control : posture.assessment.controls)
    results += std::max<std::size_t>(control.subjects.size(), 1);
  EXPECT_EQ(run.at("results").size(), results);
  for (const Json& one : run.at("results")) {
    const std::string kind = text(one.at("kind"));
    EXPECT_EQ(text(one.at("level")) == "none", kind != "fail") << one;
    EXPECT_EQ(text(run.at("tool").at("driver").at("rules").at(one.at("ruleIndex").get<std::size_t>()).at("id")),
              text(one.at("ruleId")));
  }
}

TEST(SarifTest, NamesMakeNoLinksAndNoPaths) {
  Posture posture = testing::sample_before();
  ControlAssessment& control = posture.assessment.controls.front();
  control.subjects.front().reason = "see [here](http://example.org) {0}";
  control.subjects.front().subject = {SubjectKind::kObject, "corpus#../../etc/pass wd?#%\n"};
  const Json run = Json::parse(sarif_report(posture)).at("runs").at(0);
  const Json& first = run.at("results").at(0);
  EXPECT_NE(text(first.at("message").at("text")).find("\\[here\\](http://example.org) {{0}}"), std::string::npos);
  EXPECT_EQ(text(first.at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri")),
            "file:///srv/corpus/../../etc/pass%20wd%3F%23%25%0A");
}

TEST(OcsfTest, NotAssessedIsUnknownAndNeverAPass) {
  const Posture posture = testing::sample_before();
  std::istringstream lines(ocsf_findings(posture));
  std::size_t unknown = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    const int status = event.at("compliance").at("status_id").get<int>();
    if (status == 0) ++unknown;
    if (status == 1) {
      EXPECT_TRUE(event.contains("evidences")) << line;
    }
    EXPECT_EQ(event.at("status_id").get<int>() == 3, event.contains("unmapped"))
        << "suppressed, with who and until when";
  }
  EXPECT_GT(unknown, 40U);
}

TEST(CycloneDxTest, KeysDependOnWhatWrapsThem) {
  const Json bom = Json::parse(cyclonedx_cbom(testing::sample_after()));
  bool wrapped = false, protects = false;
  for (const Json& one : bom.at("dependencies")) {
    const std::string ref = text(one.at("ref"));
    for (const Json& on : one.at("dependsOn")) {
      wrapped = wrapped || (ref.starts_with("key:cloister:keyring") && text(on).starts_with("key:cloister:7d0c"));
      protects = protects || (ref == "location:corpus" && text(on).starts_with("key:cloister:keyring"));
    }
  }
  EXPECT_TRUE(wrapped);
  EXPECT_TRUE(protects);
}

TEST(CycloneDxTest, AHashAndACounterAreNoSizeOfAKey) {
  const std::map<std::string, std::string> bits_of = {
      {"aes-256-gcm", "256"},  {"aes-128-cbc-hmac-sha256", "128"},
      {"AES_192", "192"},      {"aes-cbc-essiv:sha256", ""},
      {"aes-xts-plain64", ""}, {"HMAC_SHA_256", ""},
      {"rsa-2048-sha256", ""}, {"aes-1280-cbc", ""},
      {"aes-gcm", ""},
  };
  for (const auto& [name, bits] : bits_of) {
    Posture posture;
    posture.assessment.estate = "nothing";
    Fact fact;
    fact.kind = "key.posture";
    fact.subject = {SubjectKind::kKey, "k"};
    fact.values["algorithm"] = name;
    posture.facts = {fact};
    const std::string bom = cyclonedx_cbom(posture);
    const std::size_t first = bom.find("parameterSetIdentifier");
    EXPECT_EQ(first == std::string::npos, bits.empty()) << name;
    EXPECT_EQ(first, bom.rfind("parameterSetIdentifier")) << name << " has one size";
    if (!bits.empty()) {
      EXPECT_NE(bom.find("\"parameterSetIdentifier\":\"" + bits + "\""), std::string::npos) << name;
    }
  }
}

TEST(CycloneDxTest, OfNoFactsThereIsNoCryptography) {
  Posture posture;
  posture.assessment.estate = "nothing";
  EXPECT_TRUE(Json::parse(cyclonedx_cbom(posture)).at("components").empty());
}

TEST(CsvTest, NoCellIsAFormula) {
  Posture posture = testing::sample_before();
  posture.assessment.controls.front().subjects.front().reason = "=1+1";
  posture.assessment.controls.front().subjects.front().remediation = "a \"quoted\", line\nbreak";
  const std::vector<CsvFile> files = csv_report(posture);
  ASSERT_EQ(files.size(), 5U);
  EXPECT_NE(files[0].text.find("\"'=1+1\""), std::string::npos);
  EXPECT_NE(files[0].text.find("\"a \"\"quoted\"\", line\\x0abreak\""), std::string::npos);
}

TEST(TerminalTest, SaysTheLevelWhatFailsAndWhatNobodyLookedAt) {
  const std::string shown = terminal_report(testing::sample_before());
  EXPECT_TRUE(shown.starts_with("acme-ai: Foundational\n")) << shown;
  for (const std::string_view part :
       {"What to do next", "What fails", "What could not be assessed", "Controls that nothing was collected for",
        "Under an exception, which is not a pass", "     do: ", "insecure_software"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
}

TEST(TerminalTest, OneSubjectStandsOnceWithAllItsControls) {
  const std::string shown = terminal_report(testing::sample_before());
  EXPECT_NE(shown.find("in corpus: REST-07: 8 objects, readable: parquet"), std::string::npos) << shown;
  EXPECT_NE(shown.find("location:corpus: REST-01, REST-07: not encrypted (and 1 other reason)"), std::string::npos)
      << shown;
}

TEST(TerminalTest, MissingEvidenceIsNamedByItsDomain) {
  Posture posture = testing::sample_before();
  posture.maturity.next = {{"", Domain::kInUse, Level::kFoundational, 0, 2, "no control of the domain was measured"}};
  posture.maturity.domains[2].blockers = {{"", Status::kNotAssessed, "no control of the domain was measured"}};
  const std::string shown = terminal_report(posture);
  EXPECT_NE(shown.find("1. Evidence of In use\n"), std::string::npos) << shown;
}

TEST(TerminalTest, LongListsAreCountedNotHidden) {
  const std::string shown = terminal_report(testing::large_posture(1000), {.width = 80, .subjects_max = 5});
  EXPECT_NE(shown.find("What fails (513 verdicts)\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("REST-07: 508 objects, readable: parquet"), std::string::npos) << shown;
  EXPECT_LT(shown.size(), 20'000U);
}

}  // namespace
}  // namespace cloister::posture::report
