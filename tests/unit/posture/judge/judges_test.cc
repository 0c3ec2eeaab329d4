// Every control has a case in which it passes, one in which it fails and one in which it isn't assessed, and each comes
// out as it must.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "posture/catalogue.h"
#include "unit/posture/judge/cases.h"

namespace cloister::posture {

void add_unproven(std::vector<JudgeCase>& out, const JudgeCase& passing) {
  for (std::size_t i = 0; i < passing.facts.size(); ++i) {
    const auto changed = [&](const std::string& name, const std::function<void(std::vector<Fact>&)>& change) {
      JudgeCase one = passing;
      one.name = passing.name + "/" + passing.facts[i].kind + std::to_string(i) + name;
      one.expected = Status::kNotAssessed;
      one.says = "";
      change(one.facts);
      out.push_back(std::move(one));
    };
    changed("TooOld", [&](std::vector<Fact>& facts) { facts[i] = expired(facts[i]); });
    changed("NotSeen", [&](std::vector<Fact>& facts) { facts[i] = unseen(facts[i]); });
    changed("Simulated", [&](std::vector<Fact>& facts) { facts[i] = simulated(facts[i]); });
    changed("Missing", [&](std::vector<Fact>& facts) { facts.erase(facts.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
}

std::vector<JudgeCase> every_judge_case() {
  std::vector<JudgeCase> out;
  for (const auto make : {storage_cases, key_cases, tenancy_cases, model_cases, use_cases, scene_cases}) {
    for (JudgeCase& one : make()) out.push_back(std::move(one));
  }
  return out;
}

namespace {

const ControlAssessment& control_of(const Assessment& assessment, const std::string& control) {
  const ControlAssessment* found = assessment.find(control);
  CLOISTER_CHECK(found != nullptr);
  return *found;
}

std::string told(const ControlAssessment& control) {
  std::string out = control.reason;
  for (const SubjectVerdict& one : control.subjects) {
    out += "\n  " + one.subject.text() + " " + std::string(name_of(one.status)) + ": " + one.reason + " | " +
           one.remediation;
  }
  return out;
}

TEST(Judges, ComeOutAsTheyMust) {
  for (const JudgeCase& one : every_judge_case()) {
    SCOPED_TRACE(one.control + " " + one.name);
    const Assessment assessment = assess(built_in_catalogue(), one.estate, one.facts, {}, kNow);
    const ControlAssessment& control = control_of(assessment, one.control);
    EXPECT_EQ(name_of(control.status), name_of(one.expected)) << told(control);
    if (!one.says.empty()) {
      EXPECT_NE(told(control).find(one.says), std::string::npos) << told(control);
    }
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.status != Status::kPass) {
        EXPECT_FALSE(verdict.reason.empty()) << verdict.subject.text();
        continue;
      }
      EXPECT_FALSE(verdict.evidence.empty()) << verdict.subject.text();
      EXPECT_TRUE(verdict.remediation.empty()) << verdict.subject.text();
    }
  }
}

TEST(Judges, EveryFailureSaysWhatToDo) {
  for (const JudgeCase& one : every_judge_case()) {
    if (one.expected != Status::kFail) continue;
    SCOPED_TRACE(one.control + " " + one.name);
    const Assessment assessment = assess(built_in_catalogue(), one.estate, one.facts, {}, kNow);
    for (const SubjectVerdict& verdict : control_of(assessment, one.control).subjects) {
      if (verdict.status != Status::kFail) continue;
      EXPECT_FALSE(verdict.remediation.empty()) << verdict.reason;
    }
  }
}

TEST(Judges, EveryControlHasACaseOfEach) {
  std::map<std::string, std::set<Status>> had;
  for (const JudgeCase& one : every_judge_case()) had[one.control].insert(one.expected);
  for (const Control& control : built_in_catalogue().controls) {
    for (const Status status : {Status::kPass, Status::kFail, Status::kNotAssessed}) {
      EXPECT_TRUE(had[control.id].contains(status)) << control.id << " " << name_of(status);
    }
  }
}

TEST(Judges, EveryControlHasOne) {
  std::set<std::string_view> judged;
  for (const JudgeOf& judge : judges()) {
    EXPECT_TRUE(judged.insert(judge.control).second) << judge.control;
    EXPECT_NE(built_in_catalogue().find(judge.control), nullptr) << judge.control;
  }
  for (const Control& control : built_in_catalogue().controls) EXPECT_TRUE(judged.contains(control.id)) << control.id;
}

TEST(Judges, NothingPassesOnNothing) {
  const Assessment assessment = assess(built_in_catalogue(), Estate{}, {}, {}, kNow);
  for (const ControlAssessment& control : assessment.controls) {
    EXPECT_EQ(name_of(control.status), "not-assessed") << control.control;
  }
}

}  // namespace
}  // namespace cloister::posture
