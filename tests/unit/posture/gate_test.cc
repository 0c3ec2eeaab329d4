#include "posture/gate.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

const Subject kCorpus{SubjectKind::kLocation, "corpus"}, kWeights{SubjectKind::kLocation, "weights"};

// Every control passes.
StoredReport good() {
  StoredReport report;
  report.point.overall = Level::kStrategic;
  report.point.score = {10'000, 10'000};
  for (const Control& control : built_in_catalogue().controls) {
    report.controls.emplace_back(control.id, Status::kPass);
    report.verdicts.push_back({control.id, kCorpus, Status::kPass});
  }
  return report;
}

void set(StoredReport& report, std::string_view control, Status status) {
  for (auto& [id, now] : report.controls) {
    if (id == control) now = status;
  }
  for (StoredVerdict& verdict : report.verdicts) {
    if (verdict.control == control) verdict.status = status;
  }
}

GateAnswer ask(const StoredReport& report, const GateRules& rules = {}) {
  return gate(built_in_catalogue(), report, rules);
}

TEST(Gate, OpenWhereAllIsWell) {
  const GateAnswer answer = ask(good());
  EXPECT_TRUE(answer.failures.empty());
  EXPECT_TRUE(answer.not_assessed.empty());
}

TEST(Gate, FailingControl) {
  StoredReport report = good();
  set(report, "REST-03", Status::kFail);
  EXPECT_EQ(ask(report).failures, std::vector<std::string>{"REST-03 fails: location:corpus"});
}

TEST(Gate, WhatNobodyLookedAtIsNotAFailureAndNotAPass) {
  StoredReport report = good();
  set(report, "REST-03", Status::kNotAssessed);
  EXPECT_TRUE(ask(report).failures.empty());
  EXPECT_EQ(ask(report).not_assessed, std::vector<std::string>{"REST-03 is not assessed"});
  GateRules rules;
  rules.not_assessed_max = 1;
  EXPECT_TRUE(ask(report, rules).not_assessed.empty());
}

TEST(Gate, ControlThatTheReportHasNot) {
  StoredReport report = good();
  report.controls.pop_back();
  EXPECT_EQ(ask(report).not_assessed.size(), 1U);
}

TEST(Gate, ReportThatIsTooOldOrOfTheFuture) {
  StoredReport report = good();
  report.point.at = Time{1'795'000'000'000};
  GateRules rules;
  rules.now = report.point.at + hours(24);
  EXPECT_EQ(ask(report, rules).outdated, "");
  rules.now = report.point.at + hours(25);
  rules.not_assessed_max = 60;
  EXPECT_NE(ask(report, rules).outdated.find("older than 24 hours"), std::string::npos);
  EXPECT_TRUE(ask(report, rules).failures.empty());
  rules.now = report.point.at + hours(-1);
  EXPECT_NE(ask(report, rules).outdated.find("from the future"), std::string::npos);
}

TEST(Gate, LevelTooLow) {
  StoredReport report = good();
  GateRules rules;
  rules.level_min = Level::kApplied;
  report.point.overall = Level::kFoundational;
  EXPECT_EQ(ask(report, rules).failures.size(), 1U);
  report.point.overall = std::nullopt;
  EXPECT_EQ(ask(report, rules).failures.size(), 1U);
  report.point.overall = Level::kApplied;
  EXPECT_TRUE(ask(report, rules).failures.empty());
}

TEST(Gate, OnlyCriticalControls) {
  StoredReport report = good();
  GateRules rules;
  rules.fail_on = {"critical"};
  set(report, "REST-03", Status::kFail);
  EXPECT_TRUE(ask(report, rules).failures.empty());
  set(report, "KEY-02", Status::kFail);
  EXPECT_EQ(ask(report, rules).failures.size(), 1U);
}

TEST(Gate, OnlyControlsUpToALevel) {
  StoredReport report = good();
  GateRules rules;
  rules.fail_on = {"foundational"};
  set(report, "REST-03", Status::kFail);
  EXPECT_TRUE(ask(report, rules).failures.empty());
  rules.fail_on = {"applied"};
  EXPECT_EQ(ask(report, rules).failures.size(), 1U);
}

TEST(Gate, WordThatNamesNothing) {
  GateRules rules;
  rules.fail_on = {"REST-99"};
  expect_refused(check_rules(built_in_catalogue(), rules), Code::kInvalid, "REST-99");
  rules.fail_on = {"REST-03", "critical", "strategic"};
  EXPECT_TRUE(check_rules(built_in_catalogue(), rules).ok());
}

TEST(Gate, BaselineAcceptsOneFindingAndNoOther) {
  StoredReport report = good();
  set(report, "REST-03", Status::kFail);
  GateRules rules;
  rules.baseline = value_of(parse_baseline(baseline_json(baseline_of(report))));
  EXPECT_TRUE(ask(report, rules).failures.empty());
  EXPECT_EQ(ask(report, rules).accepted, 1U);
  report.verdicts.push_back({"REST-03", kWeights, Status::kFail});
  EXPECT_EQ(ask(report, rules).failures, std::vector<std::string>{"REST-03 fails: location:weights"});
  EXPECT_EQ(ask(good(), rules).mended, std::vector<std::string>{"REST-03 location:corpus"});
  expect_refused(parse_baseline("{}"), Code::kInvalid, "baseline");
  expect_refused(parse_baseline(R"({"format":"cloister-posture-baseline/1","accepted":[1]})"), Code::kInvalid, "");
}

TEST(Gate, AcceptedFindingDoesntHideWhatNobodyLookedAt) {
  StoredReport report = good();
  set(report, "REST-03", Status::kFail);
  GateRules rules;
  rules.baseline = baseline_of(report);
  report.verdicts.push_back({"REST-03", kWeights, Status::kNotAssessed});
  EXPECT_TRUE(ask(report, rules).failures.empty());
  EXPECT_EQ(ask(report, rules).not_assessed, std::vector<std::string>{"REST-03 is not assessed"});
  rules.not_assessed_max = 1;
  EXPECT_TRUE(ask(report, rules).not_assessed.empty());
}

TEST(Gate, NothingMayGetWorse) {
  GateRules rules;
  rules.base = good();
  EXPECT_TRUE(ask(good(), rules).failures.empty());
  StoredReport report = good();
  set(report, "REST-03", Status::kNotAssessed);
  rules.not_assessed_max = 60;
  ASSERT_EQ(ask(report, rules).failures.size(), 1U);
  EXPECT_NE(ask(report, rules).failures[0].find("lost-coverage"), std::string::npos);
  report = good();
  report.point.overall = Level::kAdvanced;
  report.point.score.lower = 9999;
  EXPECT_EQ(ask(report, rules).failures.size(), 2U);
}

}  // namespace
}  // namespace cloister::posture
