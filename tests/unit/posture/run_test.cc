#include "posture/run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "posture/fact_lines.h"
#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

class Finds final : public Collector {
 public:
  explicit Finds(std::vector<Fact> facts, Progress* stop = nullptr) : facts_(std::move(facts)), stop_(stop) {}
  std::string_view name() const override { return "finds/1"; }
  void collect(const CollectContext&, FactSink& sink) override {
    for (const Fact& fact : facts_) sink.add(fact);
    if (stop_ != nullptr) stop_->request_stop();
  }

 private:
  std::vector<Fact> facts_;
  Progress* stop_;
};

std::vector<Fact> runs_of(const std::vector<Fact>& facts) {
  std::vector<Fact> out;
  std::ranges::copy_if(facts, std::back_inserter(out), [](const Fact& fact) { return fact.kind == "collector.run"; });
  return out;
}

TEST(Collect, CountsWhatWasFoundAndWhatCouldNotBeLookedAt) {
  Fact blind = entry("weights", true);
  blind.values.clear();
  blind.not_assessed = "permission denied";
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(std::make_unique<Finds>(std::vector<Fact>{entry("corpus", true), blind}));
  const std::vector<Fact> facts = collect(collectors, {nullptr, kRunTime, nullptr, 1});
  EXPECT_EQ(facts.size(), 3U);
  ASSERT_EQ(runs_of(facts).size(), 1U);
  EXPECT_EQ(runs_of(facts)[0].number("facts"), 2);
  EXPECT_EQ(runs_of(facts)[0].number("could_not_look"), 1);
}

TEST(Collect, CollectorThatWasNotAskedIsNotAssessed) {
  Progress progress;
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(std::make_unique<Finds>(std::vector<Fact>{entry("corpus", true)}, &progress));
  collectors.push_back(std::make_unique<Finds>(std::vector<Fact>{entry("weights", true)}));
  const std::vector<Fact> facts = collect(collectors, {nullptr, kRunTime, &progress, 1});
  EXPECT_EQ(facts.size(), 3U);
  EXPECT_EQ(std::ranges::count_if(runs_of(facts), [](const Fact& fact) { return fact.not_assessed.has_value(); }), 1);
}

TEST(Settled, WhatIsKeptIsWhatWasJudged) {
  Fact fact = entry("corpus-\xff\xfe", true);
  fact.raw = "password=hunter2";
  const std::vector<Fact> facts = settled({fact, fact});
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].subject.id, "corpus-\\xff\\xfe");
  EXPECT_EQ(facts[0].raw.find("hunter2"), std::string::npos);
  EXPECT_EQ(value_of(parse_fact(fact_json(facts[0]))).id(), facts[0].id());
}

TEST(Settled, FactTooLargeToKeepProvesNothing) {
  Fact fact = entry("corpus", true);
  fact.raw = std::string((std::size_t{4} << 20) + 1, 'x');
  const std::vector<Fact> facts = settled({fact});
  ASSERT_EQ(facts.size(), 1U);
  ASSERT_TRUE(facts[0].not_assessed.has_value());
  EXPECT_NE(facts[0].not_assessed->find("can't be kept"), std::string::npos);
  EXPECT_TRUE(facts[0].values.empty());
}

TEST(Dated, FactOfTheFutureProvesNothing) {
  const std::vector<Fact> facts = settled(
      dated({entry("corpus", true, kRunTime + minutes(6)), entry("weights", true, kRunTime + minutes(4))}, kRunTime));
  ASSERT_EQ(facts.size(), 2U);
  for (const Fact& fact : facts) {
    EXPECT_EQ(fact.not_assessed.has_value(), fact.subject.id == "corpus");
    EXPECT_EQ(problem_of_dates(fact, kRunTime), "");
  }
}

TEST(Dated, FactThatIsValidForEverProvesNothing) {
  Fact fact = entry("corpus", true);
  fact.valid_until = fact.at + days(730);
  const std::vector<Fact> facts = dated({fact}, kRunTime);
  ASSERT_EQ(facts.size(), 1U);
  ASSERT_TRUE(facts[0].not_assessed.has_value());
  EXPECT_NE(facts[0].not_assessed->find("for over a year"), std::string::npos);
  EXPECT_TRUE(facts[0].values.empty());
  EXPECT_EQ(problem_of_dates(facts[0], kRunTime), "");
}

TEST(PostureOf, IsTheSameEachTime) {
  const Posture one = value_of(posture_of(example_materials())), other = value_of(posture_of(example_materials()));
  EXPECT_EQ(report_json(one), report_json(other));
  EXPECT_EQ(one.run.size(), 32U);
  Materials changed = example_materials();
  changed.context["user"] = "uid:0";
  EXPECT_NE(run_id(changed), one.run);
}

TEST(PostureOf, UnreadableInput) {
  Materials materials = example_materials();
  materials.estate = "nonsense = 1\n";
  expect_refused(posture_of(materials), Code::kInvalid, "estate.toml");
  materials = example_materials();
  materials.exceptions = "nonsense";
  expect_refused(posture_of(materials), Code::kInvalid, "exceptions");
  materials = example_materials();
  materials.catalogue = "";
  expect_refused(posture_of(materials), Code::kInvalid, "catalogue");
}

TEST(PostureOf, RunWithoutFactsHasNoLevel) {
  const Posture posture = value_of(posture_of(materials_of({})));
  EXPECT_EQ(posture.maturity.overall, Reached());
  EXPECT_EQ(posture.maturity.score.lower, 0U);
  for (const ControlAssessment& control : posture.assessment.controls) {
    EXPECT_NE(control.status, Status::kPass) << control.control;
  }
}

TEST(FactLines, ThereAndBack) {
  const std::vector<Fact> facts = example_materials().facts;
  const std::vector<Fact> read = value_of(parse_fact_lines(fact_lines(facts)));
  ASSERT_EQ(read.size(), facts.size());
  EXPECT_EQ(read[0].id(), facts[0].id());
  expect_refused(parse_fact_lines(fact_lines(facts) + "{}\n"), Code::kInvalid, "line 4");
}

}  // namespace
}  // namespace cloister::posture
