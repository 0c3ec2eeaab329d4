#include "posture/evidence/self_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

using testing::value_of;

struct SelfCheck : ::testing::Test {
  Materials materials = example_materials();
  Estate estate = value_of(parse_estate(materials.estate, materials.estate_name));

  std::vector<Fact> check(std::vector<Exception> exceptions = {}) const {
    return self_check(built_in_catalogue(), estate, materials.facts, exceptions, materials.at);
  }
  Assessment assessment() const { return assess(built_in_catalogue(), estate, materials.facts, {}, materials.at); }
};

TEST_F(SelfCheck, ThisEngineIsNotFooled) {
  for (const Fact& fact : check()) {
    SCOPED_TRACE(fact.kind);
    EXPECT_EQ(fact.number("cases"), fact.number("refused"));
    EXPECT_GT(fact.number("cases"), 5);
    EXPECT_EQ(*fact.list("details"), std::vector<std::string>());
    if (fact.kind == "drill") {
      EXPECT_EQ(*fact.text("outcome"), "defended");
    }
  }
}

TEST_F(SelfCheck, SameFactsSameAnswer) {
  const std::vector<Fact> one = check(), other = check();
  ASSERT_EQ(one.size(), 3U);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].id(), other[i].id());
}

TEST_F(SelfCheck, ExceptionsThatExpireAreFoundToResurface) {
  const std::vector<Fact> facts = check();
  const auto found = std::ranges::find(facts, "exceptions.register", &Fact::kind);
  ASSERT_NE(found, facts.end());
  EXPECT_EQ(found->number("entries"), 0);
  EXPECT_EQ(found->truth("expired_resurface"), true);
}

TEST_F(SelfCheck, InvalidExceptionsAreCounted) {
  Exception exception;
  exception.control = "REST-03";
  exception.subject = {SubjectKind::kLocation, "corpus"};
  exception.owner = exception.approver = "ada";
  exception.created = kRunTime + Duration{-1};
  exception.expires = kRunTime + days(30);
  const std::vector<Fact> facts = check({exception});
  const auto found = std::ranges::find(facts, "exceptions.register", &Fact::kind);
  EXPECT_EQ(found->number("entries"), 1);
  EXPECT_EQ(found->number("invalid"), 1);
  EXPECT_EQ(found->number("invalid_with_effect"), 0);
}

TEST_F(SelfCheck, PassThatRestsOnNothing) {
  Assessment assessment;
  ControlAssessment& control = assessment.controls.emplace_back();
  SubjectVerdict& verdict = control.subjects.emplace_back();
  verdict.status = Status::kPass;
  std::vector<Fact> facts = materials.facts;
  const auto count = [&] { return passes_without_evidence(assessment, facts, kRunTime); };
  EXPECT_EQ(count(), 1U);  // none at all
  verdict.evidence = {std::string(64, '0')};
  EXPECT_EQ(count(), 1U);  // of a fact that isn't there
  verdict.evidence = {facts[0].id()};
  EXPECT_EQ(count(), 0U);
  facts[0].valid_until = kRunTime + Duration{-1};
  verdict.evidence = {facts[0].id()};
  EXPECT_EQ(count(), 1U);  // too old
  facts[0].valid_until = kRunTime + days(1);
  facts[0].simulated = true;
  verdict.evidence = {facts[0].id()};
  EXPECT_EQ(count(), 1U);  // a simulation's
}

}  // namespace
}  // namespace cloister::posture
