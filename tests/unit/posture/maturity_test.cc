#include "posture/maturity.h"

#include <gtest/gtest.h>

#include "tests/unit/posture/assessed.h"

namespace cloister::posture {
namespace {

using enum Status;
using enum Level;

constexpr std::size_t kAtRest = 0, kInTransit = 1, kInUse = 2, kKeys = 3, kGovernance = 4;

struct Want {
  Reached all;  // of every domain that isn't named
  std::map<std::size_t, Reached> but;
  std::uint32_t lower = 10'000, upper = 10'000;
};

void expect(const Assessment& state, const Want& want, std::string_view what) {
  const Maturity got = maturity(built_in_catalogue(), state);
  Reached lowest = kStrategic;
  for (std::size_t i = 0; i < kDomainCount; ++i) {
    const auto named = want.but.find(i);
    const Reached wanted = named == want.but.end() ? want.all : named->second;
    EXPECT_EQ(name_of(got.domains[i].reached), name_of(wanted)) << what << ": " << name_of(got.domains[i].domain);
    EXPECT_EQ(got.domains[i].blockers.empty(), wanted == kStrategic) << what;
    if (wanted < lowest) lowest = wanted;  // nothing is less than any level
  }
  EXPECT_EQ(name_of(got.overall), name_of(lowest)) << what;
  EXPECT_EQ(got.score.lower, want.lower) << what;
  EXPECT_EQ(got.score.upper, want.upper) << what;
  EXPECT_EQ(got.next.empty(), lowest == kStrategic) << what;
}

TEST(Maturity, EverythingAndNothing) {
  expect(assessed(kPass), {kStrategic, {}}, "all pass");
  expect(assessed(kNotAssessed, {}, 0), {{}, {}, 0, 10'000}, "all not assessed");
  expect(assessed(kNotApplicable), {{}, {}, 0, 0}, "all not applicable");
  Assessment empty;
  expect(empty, {{}, {}, 0, 10'000}, "controls without an entry");
}

TEST(Maturity, CoverageIsAGateOfEveryDomain) {
  expect(assessed(kPass, {}, 98), {kStrategic, {}}, "0.98");
  expect(assessed(kPass, {}, 97), {kAdvanced, {}}, "0.97");
  expect(assessed(kPass, {}, 95), {kAdvanced, {}}, "0.95");
  expect(assessed(kPass, {}, 94), {kApplied, {}}, "0.94");
  expect(assessed(kPass, {}, 90), {kApplied, {}}, "0.90");
  expect(assessed(kPass, {}, 89), {kFoundational, {}}, "0.89");
  expect(assessed(kPass, {}, 50), {kFoundational, {}}, "0.50");
  expect(assessed(kPass, {}, 49), {{}, {}}, "0.49");
  Assessment nothing = assessed(kPass);
  nothing.coverage = {};
  expect(nothing, {{}, {}}, "an inventory without an entry");
  Assessment nearly = assessed(kPass);
  nearly.coverage = {979'999, 1'000'000};
  expect(nearly, {kAdvanced, {}}, "0.979999 isn't rounded up");
}

TEST(Maturity, Exceptions) {
  expect(assessed(kPass, {{"REST-03", kException}}), {kStrategic, {}, 9895, 9895}, "one");
  expect(assessed(kPass, {{"REST-03", kException}, {"REST-05", kException}}),
         {kStrategic, {{kAtRest, kFoundational}}, 9791, 9791}, "two in one domain");
  expect(assessed(kPass, {{"REST-03", kException}, {"TRN-03", kException}}), {kStrategic, {}, 9791, 9791},
         "two in two domains");
  expect(assessed(kPass, {{"REST-01", kException}}), {kStrategic, {{kAtRest, kFoundational}}, 9791, 9791}, "critical");
}

TEST(Maturity, WhatDoesNotPassStopsItsDomain) {
  expect(assessed(kPass, {{"KEY-02", kFail}}), {kStrategic, {{kKeys, kFoundational}}, 9791, 9791}, "KEY-02 fails");
  expect(assessed(kPass, {{"USE-10", kNotAssessed}}), {kStrategic, {{kInUse, kAdvanced}}, 9791, 10'000},
         "USE-10 not assessed");
  expect(assessed(kPass, {{"TRN-01", kFail}}), {kStrategic, {{kInTransit, {}}}, 9895, 9895}, "TRN-01 fails");
  expect(assessed(kPass, {{"USE-06", kNotApplicable}, {"USE-08", kNotApplicable}}), {kStrategic, {}}, "not applicable");
}

TEST(Maturity, TheGroundIsEveryDomains) {
  expect(assessed(kPass, {{"GOV-06", kFail}}), {{}, {}, 9895, 9895}, "GOV-06 fails");
  expect(assessed(kPass, {{"INV-01", kNotApplicable}}), {{}, {}}, "INV-01 not applicable");
  expect(assessed(kPass, {{"INV-01", kException}}), {{}, {}, 9895, 9895}, "INV-01 excepted");
  const std::map<std::string, Status> ground = {{"INV-01", kPass}, {"GOV-06", kPass}};
  expect(assessed(kNotAssessed, ground), {{}, {{kGovernance, kFoundational}}, 209, 10'000}, "the rest not assessed");
  expect(assessed(kFail, ground), {kFoundational, {{kInTransit, {}}}, 209, 209}, "the rest fails");
}

TEST(Maturity, AllGatesUpToALevel) {
  for (std::size_t step = 0; step < kLevelCount; ++step) {
    std::map<std::string, Status> passed;
    for (const Control& control : built_in_catalogue().controls) {
      if (static_cast<std::size_t>(control.gates) <= step) passed[control.id] = kPass;
    }
    const Maturity got = maturity(built_in_catalogue(), assessed(kFail, passed));
    const auto level = static_cast<Level>(step);
    EXPECT_EQ(got.overall, level);
    // Without gates of their own at Strategic, they inherit it.
    EXPECT_EQ(got.domains[kAtRest].reached, level == kAdvanced ? kStrategic : level);
    EXPECT_EQ(got.domains[kInTransit].reached, level == kAdvanced ? kStrategic : level);
    EXPECT_EQ(got.domains[kInUse].reached, level);
    EXPECT_EQ(got.domains[kKeys].reached, level);
    EXPECT_EQ(got.domains[kGovernance].reached, level);
  }
}

TEST(Maturity, BlockersAreNamedWithWhatIsKnown) {
  Assessment state = assessed(kPass, {{"KEY-02", kFail}, {"REST-01", kException}, {"TRN-02", kNotAssessed}}, 80);
  for (ControlAssessment& control : state.controls) {
    if (control.control == "KEY-02") control.reason = "bucket corpus: platform default";
  }
  const Maturity got = maturity(built_in_catalogue(), state);
  const auto& keys = got.domains[kKeys].blockers;
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].control, "KEY-02");
  EXPECT_EQ(keys[0].status, kFail);
  EXPECT_EQ(keys[0].reason, "bucket corpus: platform default");
  EXPECT_EQ(keys[1].control, "");
  EXPECT_EQ(keys[1].reason, "80 of 100 subjects of the inventory were measured; Applied asks for 90 %");
  ASSERT_EQ(got.domains[kAtRest].blockers.size(), 2U);
  EXPECT_EQ(got.domains[kAtRest].blockers[0].reason, "the control is critical, and takes no exception");
  EXPECT_EQ(got.domains[kInTransit].blockers[0].status, kNotAssessed);
}

TEST(Maturity, NextStepsByGainForTheirEffort) {
  Assessment state = assessed(kPass, {{"KEY-02", kFail}, {"KEY-10", kFail}, {"KEY-11", kFail}, {"REST-03", kFail}});
  for (ControlAssessment& control : state.controls) {
    if (control.control != "KEY-02") continue;
    SubjectVerdict& verdict = control.subjects.emplace_back();
    verdict.status = kFail;
    verdict.remediation = "aws s3api put-bucket-encryption …";
  }
  const Maturity got = maturity(built_in_catalogue(), state);
  std::vector<std::string> controls;
  for (const NextStep& step : got.next) {
    controls.push_back(step.control);
    EXPECT_EQ(step.level, kApplied);
    EXPECT_EQ(step.gain, step.control == "KEY-02" ? 4U : 2U);
    EXPECT_FALSE(step.what.empty());
    if (step.control == "KEY-02") {
      EXPECT_EQ(step.what, "aws s3api put-bucket-encryption …");
    }
  }
  EXPECT_EQ(controls.size(), 3U);  // KEY-11 stands before a later level
  for (std::size_t i = 1; i < got.next.size(); ++i)
    EXPECT_GE(got.next[i - 1].gain * got.next[i].effort, got.next[i].gain * got.next[i - 1].effort);
}

TEST(Maturity, NextStepsSayWhatIsMissingBesidesControls) {
  const Maturity got = maturity(built_in_catalogue(), assessed(kPass, {}, 10));
  ASSERT_EQ(got.next.size(), 1U);
  EXPECT_EQ(got.next[0].control, "");
  EXPECT_EQ(got.next[0].level, kFoundational);
}

}  // namespace
}  // namespace cloister::posture
