// What must hold for all judges, and what for those that are tested by scenes: no judge passes what no valid fact
// proves.
#include "tests/unit/posture/judge/scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace cloister::posture {
namespace {

ControlAssessment judged(const Estate& estate, const std::vector<Fact>& facts, const std::string& control) {
  const Assessment assessment = assess(built_in_catalogue(), estate, facts, {}, kNow);
  return *assessment.find(control);
}

std::string told(const ControlAssessment& control) {
  std::string out = control.control + " is " + std::string(name_of(control.status));
  for (const SubjectVerdict& verdict : control.subjects)
    out += "\n  " + verdict.subject.text() + " " + std::string(name_of(verdict.status)) + ": " + verdict.reason;
  return out;
}

TEST(JudgesOfAll, FactFromTheFutureProvesNothing) {
  for (const JudgeCase& one : every_judge_case()) {
    if (one.expected != Status::kPass) continue;
    for (std::size_t i = 0; i < one.facts.size(); ++i) {
      std::vector<Fact> facts = one.facts;
      facts[i].not_assessed = "where one layer of several is enough, another may say nothing";
      if (judged(one.estate, facts, one.control).status == Status::kPass) continue;
      facts[i].not_assessed.reset();
      facts[i].at = kNow + seconds(1);
      const ControlAssessment got = judged(one.estate, facts, one.control);
      EXPECT_NE(got.status, Status::kPass) << one.name << " " << facts[i].kind << ": " << told(got);
    }
  }
}

// A drill and a record stay what they are about: what a run kept of an earlier one.
void hide(Fact& fact) {
  if (fact.kind == "drill") {
    fact.values["outcome"] = std::string("not_run");
  } else if (fact.kind == "record") {
    fact.values.erase("approver");
  } else {
    fact.values.clear();
    fact.not_assessed = "hidden";
  }
}

// Whatever is hidden of a bad state, it doesn't become a good one. Of what is in no estate nothing is left when its
// facts are gone: runs keep what earlier ones saw.
TEST(JudgesOfAll, HidingFactsNeverMakesAPass) {
  std::mt19937_64 random(0x41de);
  for (const JudgeCase& one : every_judge_case()) {
    if (one.expected == Status::kPass) continue;
    for (int i = 0; i < 12; ++i) {
      std::vector<Fact> facts = one.facts;
      for (Fact& fact : facts) {
        if (random() % 3 == 0) hide(fact);
      }
      const ControlAssessment got = judged(one.estate, facts, one.control);
      EXPECT_NE(got.status, Status::kPass) << one.name << ": " << told(got);
    }
  }
}

TEST(JudgesOfScenes, MissingFactsNeverMakeAPass) {
  std::mt19937_64 random(0x905e);
  for (const SceneCase& one : all_scenes()) {
    for (const SceneChange& change : one.changes) {
      Scene bad = one.good;
      change.change(bad);
      if (change.want == Status::kPass) continue;
      for (int i = 0; i < 12; ++i) {
        std::vector<Fact> facts = bad.facts;
        std::erase_if(facts, [&](const Fact& fact) {
          const bool declared = std::ranges::find(one.good.facts, fact.subject, &Fact::subject) != one.good.facts.end();
          return declared && random() % 3 == 0;
        });
        const ControlAssessment got = judged(bad.estate, facts, one.control);
        EXPECT_NE(got.status, Status::kPass) << change.what << ": " << told(got);
      }
    }
  }
}

// Does that to each value of each fact, but for those that a fact may lack.
void nothing_passes_with(std::string_view what, const std::function<void(FactValues&, const std::string&)>& spoil) {
  for (const SceneCase& one : all_scenes()) {
    for (std::size_t i = 0; i < one.good.facts.size(); ++i) {
      for (const auto& [name, value] : one.good.facts[i].values) {
        if (std::ranges::find(one.optional, name) != one.optional.end()) continue;
        std::vector<Fact> facts = one.good.facts;
        spoil(facts[i].values, name);
        const ControlAssessment got = judged(one.good.estate, facts, one.control);
        EXPECT_NE(got.status, Status::kPass) << what << " " << name << ": " << told(got);
      }
    }
  }
}

TEST(JudgesOfScenes, MissingValueNeverPasses) {
  nothing_passes_with("without", [](FactValues& values, const std::string& name) { values.erase(name); });
}

TEST(JudgesOfScenes, ValueOfAnotherTypeNeverPasses) {
  nothing_passes_with("of another type:", [](FactValues& values, const std::string& name) {
    const bool text = std::holds_alternative<std::string>(values[name]);
    values[name] = text ? FactValue(std::vector<std::string>{"x"}) : FactValue(std::string("x"));
  });
}

TEST(JudgesOfScenes, NoFactsAtAllPassNothing) {
  for (const SceneCase& one : all_scenes())
    EXPECT_EQ(judged(one.good.estate, {}, one.control).status, Status::kNotAssessed);
}

}  // namespace
}  // namespace cloister::posture
