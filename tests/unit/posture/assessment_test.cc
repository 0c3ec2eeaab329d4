#include "posture/assessment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;

SubjectVerdict verdict(Status status) {
  SubjectVerdict out;
  out.status = status;
  return out;
}

Status folded(std::initializer_list<Status> statuses) {
  std::vector<SubjectVerdict> subjects;
  for (const Status status : statuses) subjects.push_back(verdict(status));
  return fold(subjects);
}

TEST(Assessment, Fold) {
  EXPECT_EQ(folded({}), kNotAssessed);
  EXPECT_EQ(folded({kPass, kPass}), kPass);
  EXPECT_EQ(folded({kPass, kException}), kException);
  EXPECT_EQ(folded({kException, kNotAssessed, kPass}), kNotAssessed);
  EXPECT_EQ(folded({kNotAssessed, kFail, kException}), kFail);
  EXPECT_EQ(folded({kNotApplicable}), kNotApplicable);
  EXPECT_EQ(folded({kNotApplicable, kPass}), kPass);
}

// Two endpoints, of which TRN-02 passes one and fails the other.
Scene two_endpoints() {
  Scene scene;
  scene.estate.id = "lab";
  for (const char* name : {"api", "old"}) {
    scene.estate.endpoints.push_back(scene_endpoint(name));
    scene.facts.push_back(scene_fact("tls.endpoint", {SubjectKind::kEndpoint, name},
                                     {{"plaintext_refused", true},
                                      {"versions", std::vector<std::string>{"1.3"}},
                                      {"weak", std::vector<std::string>{}},
                                      {"tls13", true},
                                      {"early_data_refused", true},
                                      {"downgrade_resisted", true}}));
  }
  scene.facts[1].values["tls13"] = false;
  return scene;
}

Exception excepted(std::string control, Subject subject) {
  Exception out;
  out.control = std::move(control);
  out.subject = std::move(subject);
  out.owner = "ana";
  out.approver = "bo";
  out.reason = out.compensating_control = out.reopen_when = "said";
  out.created = Time{kSceneTime.unix_ms - days(1).ms};
  out.expires = kSceneTime + days(1);
  return out;
}

const Subject kOld = {SubjectKind::kEndpoint, "old"};

Assessment assessed(const Scene& scene, std::vector<Exception> exceptions = {}, Time now = kSceneTime) {
  return assess(built_in_catalogue(), scene.estate, scene.facts, exceptions, now);
}

TEST(Assessment, EveryControlInItsOrderWorstSubjectFirst) {
  const Assessment got = assessed(two_endpoints());
  ASSERT_EQ(got.controls.size(), built_in_catalogue().controls.size());
  for (std::size_t i = 0; i < got.controls.size(); ++i)
    EXPECT_EQ(got.controls[i].control, built_in_catalogue().controls[i].id);
  const ControlAssessment* tls = got.find("TRN-02");
  ASSERT_EQ(tls->subjects.size(), 2U);
  EXPECT_EQ(tls->status, kFail);
  EXPECT_EQ(tls->subjects[0].subject, kOld);
  EXPECT_EQ(tls->reason, "2 subjects: 1 fail, 1 pass");
  EXPECT_EQ(got.status_of("TRN-01"), kPass);
  EXPECT_EQ(got.status_of("TRN-99"), kNotAssessed);
  EXPECT_EQ(got.find("TRN-08")->reason, "there is nothing that it could be judged on");
  EXPECT_EQ(got.estate, "lab");
  EXPECT_EQ(got.catalogue_digest, built_in_catalogue().digest);
}

TEST(Assessment, ExceptionHoldsForItsSubjectUntilItExpires) {
  const std::vector<Exception> exceptions = {excepted("TRN-02", kOld)};
  const Assessment got = assessed(two_endpoints(), exceptions);
  EXPECT_EQ(got.status_of("TRN-02"), kException);
  EXPECT_TRUE(got.exception_problems.empty());
  const SubjectVerdict& held = got.find("TRN-02")->subjects[0];
  EXPECT_EQ(held.exception, exceptions[0]);
  EXPECT_EQ(held.reason, "it doesn't speak TLS 1.3");  // it is still said
  Scene later = two_endpoints();
  for (Fact& fact : later.facts) fact.valid_until = kSceneTime + days(30);
  const Assessment after = assessed(later, exceptions, exceptions[0].expires);
  EXPECT_EQ(after.status_of("TRN-02"), kFail);
  ASSERT_EQ(after.exception_problems.size(), 1U);
  EXPECT_NE(after.exception_problems[0].find("TRN-02 endpoint:old: it expired"), std::string::npos);
}

TEST(Assessment, ExceptionsWithoutEffectAreTold) {
  Exception unapproved = excepted("TRN-02", kOld);
  unapproved.approver = "ana";
  const std::vector<std::pair<Exception, std::string>> cases = {
      {unapproved, "its owner approved it"},
      {excepted("TRN-01", kOld), "critical"},
      {excepted("TRN-77", kOld), "no control of that name"},
      {excepted("TRN-02", {SubjectKind::kEndpoint, "older"}), "no such subject"},
      {excepted("TRN-02", {SubjectKind::kEndpoint, "api"}), "it passes"},
  };
  for (const auto& [exception, problem] : cases) {
    const Assessment got = assessed(two_endpoints(), {exception});
    EXPECT_EQ(got.status_of("TRN-02"), kFail) << problem;
    ASSERT_EQ(got.exception_problems.size(), 1U) << problem;
    EXPECT_NE(got.exception_problems[0].find(problem), std::string::npos) << got.exception_problems[0];
  }
  EXPECT_EQ(assessed(two_endpoints(), {excepted("TRN-02", kOld), excepted("TRN-02", kOld)}).exception_problems.size(),
            1U);
}

TEST(Assessment, ExceptionOnACriticalControlLeavesItsFailure) {
  Scene scene = two_endpoints();
  scene.facts[1].values["plaintext_refused"] = false;
  EXPECT_EQ(assessed(scene, {excepted("TRN-01", kOld)}).status_of("TRN-01"), kFail);
}

Fact not_applicable(std::string control) {
  return scene_record("not-applicable", {{"control", std::move(control)}, {"reason", std::string("nobody federates")}});
}

TEST(Assessment, NotApplicableNeedsARecordAndNothingToJudge) {
  Scene scene = two_endpoints();
  EXPECT_EQ(assessed(scene).status_of("TRN-08"), kNotAssessed);
  scene.facts.push_back(not_applicable("TRN-08"));
  scene.facts.push_back(not_applicable("TRN-02"));
  const Assessment got = assessed(scene);
  EXPECT_EQ(got.status_of("TRN-08"), kNotApplicable);
  EXPECT_EQ(got.find("TRN-08")->reason, "recorded as not applicable: nobody federates");
  EXPECT_EQ(got.find("TRN-08")->subjects[0].evidence, std::vector<std::string>{scene.facts[2].id()});
  EXPECT_EQ(got.status_of("TRN-02"), kFail);  // there are endpoints
  scene_edge(scene.estate, "a", "b", 443);
  EXPECT_EQ(assessed(scene).status_of("TRN-08"), kNotAssessed);  // there is an edge
}

TEST(Assessment, NotApplicableRecordWithAHole) {
  const std::vector<std::function<void(Fact&)>> holes = {
      [](Fact& record) { record.values.erase("reason"); },
      [](Fact& record) { record.values["approver"] = std::string("Ana@example.org"); },
      [](Fact& record) { record.values.erase("owner"); },
      [](Fact& record) { record.valid_until = Time{kSceneTime.unix_ms - 1}; },
      [](Fact& record) { record.valid_until = record.at + days(366); },
      [](Fact& record) { record.at = kSceneTime + seconds(1); },
      [](Fact& record) { record.method = Method::kTest; },
      [](Fact& record) { record.subject = {SubjectKind::kWorkload, "w"}; },
      [](Fact& record) { record.values["record"] = std::string("review"); }};
  for (std::size_t i = 0; i < holes.size(); ++i) {
    Scene scene;
    scene.facts.push_back(not_applicable("TRN-08"));
    EXPECT_EQ(assessed(scene).status_of("TRN-08"), kNotApplicable);
    holes[i](scene.facts[0]);
    EXPECT_EQ(assessed(scene).status_of("TRN-08"), kNotAssessed) << i;
  }
}

TEST(Assessment, CoverageCountsWhatWasMeasuredOfWhatIsKnown) {
  Scene scene = two_endpoints();
  EXPECT_EQ(assessed(scene).coverage.known, 2U);
  EXPECT_EQ(assessed(scene).coverage.assessed, 2U);
  scene.estate.locations.push_back(scene_location("corpus"));
  scene.facts.push_back(
      scene_fact("inventory.entry", {SubjectKind::kEdge, "x>y/tcp/1"}, {{"declared", false}, {"observed", true}}));
  Assessment got = assessed(scene);
  EXPECT_EQ(got.find("INV-01")->status, kFail);  // which isn't a measurement of the edge
  EXPECT_EQ(got.coverage.known, 4U);
  EXPECT_EQ(got.coverage.assessed, 2U);
  EXPECT_EQ(got.coverage.permille(), 500U);
  scene.facts[0].method = Method::kRecord;  // somebody said so
  EXPECT_EQ(assessed(scene).coverage.assessed, 1U);
  EXPECT_EQ(assessed({}).coverage.permille(), 0U);
}

TEST(Assessment, FingerprintIsOfControlAndSubject) {
  SubjectVerdict one = verdict(kFail), other = verdict(kPass);
  one.subject = other.subject = kOld;
  one.reason = "another reason";
  EXPECT_EQ(one.fingerprint("TRN-02"), other.fingerprint("TRN-02"));
  EXPECT_NE(one.fingerprint("TRN-02"), one.fingerprint("TRN-01"));
  other.subject.id = "ol";
  EXPECT_NE(one.fingerprint("TRN-02"), other.fingerprint("TRN-02"));
}

TEST(Assessment, SameInputsGiveTheSameInAnyOrder) {
  Scene scene = two_endpoints();
  scene.facts.push_back(not_applicable("TRN-08"));
  const Assessment first = assessed(scene);
  std::ranges::reverse(scene.facts);
  const Assessment second = assessed(scene);
  for (std::size_t i = 0; i < first.controls.size(); ++i) {
    EXPECT_EQ(first.controls[i].status, second.controls[i].status);
    EXPECT_EQ(first.controls[i].reason, second.controls[i].reason);
    ASSERT_EQ(first.controls[i].subjects.size(), second.controls[i].subjects.size());
    for (std::size_t k = 0; k < first.controls[i].subjects.size(); ++k)
      EXPECT_EQ(first.controls[i].subjects[k].evidence, second.controls[i].subjects[k].evidence);
  }
}

}  // namespace
}  // namespace cloister::posture
