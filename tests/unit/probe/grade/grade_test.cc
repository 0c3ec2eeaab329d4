// Grades: what costs what, caps, and that nothing unknown is ever good.
#include "probe/grade/grade.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace cloister::probe {
namespace {

// Every rule kept, as far as one fact a rule can show it.
Facts spotless() {
  Facts facts;
  for (const Rule& rule : rules()) {
    std::string subject(rule.subject.substr(0, rule.subject.find('|')));
    if (subject.starts_with('*')) subject = "any " + subject.substr(1);
    facts.add(std::string(rule.check), subject, rule.good);
  }
  return facts;
}

Facts with(const Facts& facts, std::string_view check, std::string_view subject, Seen seen) {
  Facts changed;
  for (const Fact& fact : facts.all()) {
    const bool it = fact.check == check && fact.subject == subject;
    changed.add(fact.check, fact.subject, it ? seen : fact.seen, it ? "changed" : fact.detail);
  }
  return changed;
}

const Profile& profile(std::string_view name) { return *find_profile(name); }

TEST(GradeTest, SpotlessIsAPlus) {
  for (const Profile& one : profiles()) {
    const Grade result = grade(one, spotless());
    for (const Finding& finding : result.lost) ADD_FAILURE() << one.name << " lost " << finding.rule->id;
    for (const Finding& finding : result.not_assessed)
      ADD_FAILURE() << one.name << " not assessed " << finding.rule->id;
    EXPECT_EQ(result.letter, "A+") << one.name;
    EXPECT_EQ(result.score, 100U);
  }
}

TEST(GradeTest, NothingKnownIsAnF) {
  for (const Profile& one : profiles()) {
    const Grade result = grade(one, {});
    EXPECT_EQ(result.letter, "F") << one.name;
    EXPECT_EQ(result.score, 0U) << one.name;
    EXPECT_TRUE(result.lost.empty());
  }
}

TEST(GradeTest, EveryRuleThatIsBrokenLosesItsPointsAndSaysWhy) {
  for (const Profile& one : profiles()) {
    for (const Rule& rule : rules()) {
      const Weight& weight = rule.weights[one.column];
      if (weight.cap == '-') continue;
      std::string subject(rule.subject.substr(0, rule.subject.find('|')));
      if (subject.starts_with('*')) subject = "any " + subject.substr(1);
      const Seen bad = rule.good == Seen::kYes ? Seen::kNo : Seen::kYes;
      const Grade result = grade(one, with(spotless(), rule.check, subject, bad));
      const auto found = std::ranges::find(result.lost, &rule, &Finding::rule);
      ASSERT_NE(found, result.lost.end()) << one.name << " " << rule.id;
      EXPECT_EQ(found->points, weight.points);
      EXPECT_GE(result.letter.front(), weight.cap) << one.name << " " << rule.id;
      EXPECT_NE(result.letter, "A+") << one.name << " " << rule.id;
    }
  }
}

TEST(GradeTest, UnknownLosesPointsButIsNotCalledBroken) {
  const Grade result = grade(profile("public-inference"), with(spotless(), "P2", "", Seen::kUnknown));
  EXPECT_TRUE(result.lost.empty());
  ASSERT_EQ(result.not_assessed.size(), 1U);
  EXPECT_EQ(result.not_assessed[0].rule->id, "ssl3");
  EXPECT_EQ(result.score, 60U);
  EXPECT_EQ(result.letter, "D");
}

TEST(GradeTest, OnDemandAndNotAskedCostsNothing) {
  Facts facts;
  const Facts all = spotless();
  for (const Fact& fact : all.all()) {
    if (fact.check != "M3" && fact.check != "M4") facts.add(fact.check, fact.subject, fact.seen);
  }
  EXPECT_EQ(grade(profile("mesh-workload"), facts).letter, "A+");
}

TEST(GradeTest, OneOfSeveralIsEnoughForBad) {
  Facts facts = spotless();
  facts.add("W5", "/metrics", Seen::kYes, "status 200");
  const Grade result = grade(profile("public-inference"), facts);
  ASSERT_EQ(result.lost.size(), 1U);
  EXPECT_EQ(result.lost[0].rule->id, "open-path");
  EXPECT_EQ(result.lost[0].subject, "/metrics");
}

TEST(GradeTest, EveryOneOfAStarMustBeGood) {
  Facts facts = spotless();
  facts.add("P9", "TLS 1.1", Seen::kNo, "");
  const Grade result = grade(profile("public-inference"), facts);
  ASSERT_EQ(result.lost.size(), 1U);
  EXPECT_EQ(result.lost[0].rule->id, "no-sentinel");
}

TEST(GradeTest, PlainClientIsFatalInAMeshAndNormalInPublic) {
  const Facts open = with(spotless(), "M1", "required", Seen::kNo);
  EXPECT_EQ(grade(profile("mesh-workload"), open).letter, "F");
  EXPECT_EQ(grade(profile("public-inference"), open).letter, "A+");
}

TEST(GradeTest, MissingPostQuantumIsASmallLossExceptWhereItIsRequired) {
  const Facts classic = with(spotless(), "G2", "", Seen::kNo);
  EXPECT_EQ(grade(profile("public-inference"), classic).letter, "A");
  EXPECT_EQ(grade(profile("pq-hybrid-required"), classic).letter, "F");
  const Facts small = with(spotless(), "G2", "SecP384r1MLKEM1024", Seen::kNo);
  EXPECT_EQ(grade(profile("cnsa2"), small).letter, "F");
  EXPECT_EQ(grade(profile("pq-hybrid-required"), small).letter, "A+");
}

TEST(GradeTest, RulesHaveIdsOfTheirOwn) {
  std::set<std::string_view> ids;
  for (const Rule& rule : rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_FALSE(rule.what.empty() || rule.fix.empty()) << rule.id;
  }
}

TEST(GradeTest, UnknownProfile) { EXPECT_EQ(find_profile("perfect"), nullptr); }

}  // namespace
}  // namespace cloister::probe
