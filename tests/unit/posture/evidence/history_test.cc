#include "posture/evidence/history.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

using testing::value_of;

constexpr Time kNow{kRunTime.unix_ms + 86'400'000 * 2};

Fact fact_of(std::string kind, Subject subject, std::string collector, Time at = kRunTime) {
  Fact fact;
  fact.kind = std::move(kind);
  fact.subject = std::move(subject);
  fact.collector = std::move(collector);
  fact.at = at;
  fact.valid_until = at + kConfigurationValid;
  fact.values = {{"encrypted", std::string("no")}};
  return fact;
}

Fact encryption(const std::string& location, std::string collector, Time at = kRunTime) {
  return fact_of("storage.encryption", {SubjectKind::kLocation, location}, std::move(collector), at);
}

Fact decommissioned(const std::string& location, std::string approver) {
  Fact fact = fact_of("record", {SubjectKind::kLocation, location}, "record/1");
  fact.method = Method::kRecord;
  fact.valid_until = fact.at + kRecordValid;
  fact.values = {{"record", std::string("decommission")},
                 {"owner", std::string("ada")},
                 {"approver", std::move(approver)},
                 {"reason", std::string("erased")}};
  return fact;
}

// Where nothing is declared.
std::vector<Fact> carried(std::span<const Fact> before, std::span<const Fact> fresh, Time now) {
  return posture::carried(Estate(), before, fresh, now);
}

TEST(Carried, CollectorThatWasNotAsked) {
  const std::vector<Fact> before = {encryption("corpus", "aws/1")};
  const std::vector<Fact> fresh = {encryption("weights", "local-storage/1", kNow)};
  const std::vector<Fact> on = carried(before, fresh, kNow);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(on[0].id(), before[0].id());  // as it stands, too old by now
}

TEST(Carried, SubjectThatItsCollectorNoLongerMentions) {
  const std::vector<Fact> before = {encryption("corpus", "aws/1"), encryption("weights", "aws/1")};
  const std::vector<Fact> fresh = {encryption("weights", "aws/2", kNow)};
  const std::vector<Fact> on = carried(before, fresh, kNow);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(on[0].subject.id, "corpus");
  EXPECT_EQ(on[0].collector, "history/1");
  ASSERT_TRUE(on[0].not_assessed.has_value());
  EXPECT_NE(on[0].not_assessed->find("aws/1 saw it at " + to_rfc3339(kRunTime)), std::string::npos);
}

TEST(Carried, ForgottenSubjectStaysForgottenNoLonger) {
  std::vector<Fact> before = carried(std::vector<Fact>{encryption("corpus", "aws/1")},
                                     std::vector<Fact>{encryption("weights", "aws/1", kNow)}, kNow);
  const Time later = kNow + days(1);
  const std::vector<Fact> on = carried(before, std::vector<Fact>{encryption("weights", "aws/1", later)}, later);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(on[0].not_assessed, before[0].not_assessed);  // still says when it was really seen
}

TEST(Carried, SealedObjectIsNotMentionedAgain) {
  const std::vector<Fact> before = {fact_of("content.object", {SubjectKind::kObject, "corpus#a.csv"}, "content/1"),
                                    fact_of("content.scan", {SubjectKind::kLocation, "corpus"}, "content/1")};
  const std::vector<Fact> fresh = {fact_of("content.scan", {SubjectKind::kLocation, "corpus"}, "content/1", kNow)};
  EXPECT_TRUE(carried(before, fresh, kNow).empty());
}

TEST(Carried, DecommissionedByARecordWithoutHoles) {
  const std::vector<Fact> before = {encryption("corpus", "aws/1")};
  const Fact other = encryption("weights", "aws/1", kNow);
  EXPECT_TRUE(carried(before, std::vector<Fact>{other, decommissioned("corpus", "grace")}, kNow).empty());
  EXPECT_EQ(carried(before, std::vector<Fact>{other, decommissioned("corpus", "ada")}, kNow).size(), 1U);
  EXPECT_EQ(carried(before, std::vector<Fact>{other, decommissioned("other", "grace")}, kNow).size(), 1U);
}

TEST(Carried, SeenAgainAfterItsDecommission) {
  const std::vector<Fact> before = {encryption("corpus", "aws/1", kRunTime + hours(1)),
                                    decommissioned("corpus", "grace")};
  const std::vector<Fact> fresh = {encryption("weights", "local-storage/1", kNow)};
  EXPECT_EQ(carried(before, fresh, kNow).size(), 2U);
}

TEST(Carried, DeclaredSubjectIsNotDecommissioned) {
  const Estate estate = value_of(parse_estate(kEstateText, "estate.toml"));
  const std::vector<Fact> before = {encryption("corpus", "aws/1")};
  const std::vector<Fact> fresh = {encryption("weights", "aws/1", kNow), decommissioned("corpus", "grace")};
  EXPECT_EQ(posture::carried(estate, before, fresh, kNow).size(), 1U);
  EXPECT_TRUE(carried(before, fresh, kNow).empty());
}

TEST(Carried, OtherCollectorDoesntSpeakForTheOneThatFellSilent) {
  const std::vector<Fact> before = {encryption("corpus", "aws/1")};
  const std::vector<Fact> silent = {encryption("corpus", "local-storage/1", kNow),
                                    encryption("weights", "aws/1", kNow)};
  std::vector<Fact> on = carried(before, silent, kNow);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(on[0].collector, "history/1");
  EXPECT_EQ(on[0].scope, "aws");
  on = carried(on, silent, kNow + days(1));
  ASSERT_EQ(on.size(), 1U);
  EXPECT_TRUE(carried(on, std::vector<Fact>{encryption("corpus", "aws/2", kNow)}, kNow + days(2)).empty());
}

TEST(Carried, RecordsGoOnAndARunsOwnChecksDont) {
  const std::vector<Fact> before = {decommissioned("corpus", "grace"), fact_of("drill", {}, "self-check/1"),
                                    fact_of("evidence.store", {}, "evidence/1"), fact_of("collector.run", {}, "aws/1"),
                                    fact_of("inventory.scope", {}, "inventory/1")};
  const std::vector<Fact> on = carried(before, {}, kNow);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(on[0].kind, "record");
}

TEST(Carried, RecordThatNoRunCouldKeep) {
  Fact ahead = decommissioned("corpus", "grace");
  ahead.at = kRunTime + hours(1);
  EXPECT_TRUE(carried(dated({ahead}, kRunTime), {}, kNow).empty());
}

TEST(Carried, DrillsThatWereNotTriedAgain) {
  const auto drill = [](const std::string& name, Time at) {
    Fact fact = fact_of("drill", {}, "redteam/1", at);
    fact.values = {{"drill", name}, {"outcome", std::string("failed")}};
    return fact;
  };
  const std::vector<Fact> on = carried(std::vector<Fact>{drill("RT-K12", kRunTime), drill("RT-K01", kRunTime)},
                                       std::vector<Fact>{drill("RT-K01", kNow)}, kNow);
  ASSERT_EQ(on.size(), 1U);
  EXPECT_EQ(*on[0].text("drill"), "RT-K12");
}

TEST(Carried, ShrunkenEstateDoesntRaiseCoverage) {
  // Seen, never declared: gone from the second run, and still in the count.
  const Fact seen = encryption("file:/srv/old", "local-storage/1");
  const Materials first = materials_of({entry("corpus", true), seen});
  std::vector<Fact> facts = {entry("corpus", true, kNow), encryption("corpus", "local-storage/1", kNow)};
  for (Fact& fact : carried(first.facts, facts, kNow)) facts.push_back(std::move(fact));
  const Posture before = value_of(posture_of(first));
  const Posture after = value_of(posture_of(materials_of(facts, kNow)));
  EXPECT_GE(after.assessment.coverage.known, before.assessment.coverage.known);
}

StoredReport report_of(std::vector<StoredVerdict> verdicts) {
  StoredReport report;
  report.verdicts = std::move(verdicts);
  return report;
}

TEST(Changes, OneOfEachSort) {
  const Subject a{SubjectKind::kLocation, "a"}, b{SubjectKind::kLocation, "b"}, c{SubjectKind::kLocation, "c"},
      d{SubjectKind::kLocation, "d"}, e{SubjectKind::kLocation, "e"}, f{SubjectKind::kLocation, "f"};
  const StoredReport before = report_of({{"REST-01", a, Status::kFail},
                                         {"REST-01", b, Status::kPass},
                                         {"REST-01", c, Status::kPass},
                                         {"REST-01", d, Status::kFail},
                                         {"REST-01", e, Status::kPass}});
  const StoredReport after = report_of({{"REST-01", a, Status::kPass},
                                        {"REST-01", b, Status::kFail},
                                        {"REST-01", c, Status::kNotAssessed},
                                        {"REST-01", e, Status::kPass},
                                        {"REST-01", f, Status::kFail}});
  const auto change_of = [&](const Subject& subject) -> std::optional<Change> {
    for (const Changed& changed : changes(before, after)) {
      if (changed.subject == subject) return changed.change;
    }
    return std::nullopt;
  };
  EXPECT_EQ(change_of(a), Change::kFixed);
  EXPECT_EQ(change_of(b), Change::kRegressed);
  EXPECT_EQ(change_of(c), Change::kLostCoverage);
  EXPECT_EQ(change_of(d), Change::kLostCoverage);
  EXPECT_EQ(change_of(e), std::nullopt);
  EXPECT_EQ(change_of(f), Change::kNew);
}

TEST(Changes, ObjectThatIsNotMentionedIsFixedOnlyWhereItsLocationWasMeasured) {
  const Subject object{SubjectKind::kObject, "corpus#a.csv"}, location{SubjectKind::kLocation, "corpus"};
  const StoredReport before = report_of({{"REST-01", object, Status::kFail}, {"REST-01", location, Status::kFail}});
  const auto fixed = changes(before, report_of({{"REST-01", location, Status::kPass}}));
  EXPECT_EQ(std::ranges::count(fixed, Change::kFixed, &Changed::change), 2);
  const auto lost = changes(before, report_of({{"REST-01", location, Status::kNotAssessed}}));
  EXPECT_EQ(std::ranges::count(lost, Change::kLostCoverage, &Changed::change), 2);
}

}  // namespace
}  // namespace cloister::posture
