// Forged reports, a blinded scanner, releases to the wrong worker: each is found out, and so is who doesn't look.
#include "home/redteam_parts.h"

#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::home {
namespace {

using namespace redteam;
using testing::value_of;

class Reports : public Exercises {};

TEST_F(Reports, ForgedOnesAreFoundOut) {
  const Report report = run_forged_reports(field(), verified_as_an_auditor());
  expect_defended(report);
  EXPECT_GT(report.cases, 40);
}

TEST_F(Reports, ForgedOnesThatNobodyVerifies) {
  expect_failed(run_forged_reports(field(), {[](std::string_view, std::string_view) { return ok_status(); }}));
  expect_not_run(run_forged_reports(field(), {[](std::string_view, std::string_view) {
                                      return Status(Error(Code::kCorrupt, "broken"));
                                    }}),
                 "as it was signed");
}

class Scanner : public Exercises {
 protected:
  const Field field_ = field();
  std::unique_ptr<Lab> lab_ = value_of(Lab::create(field_));
};

TEST_F(Scanner, BlindedPassesNothing) {
  const Report report = run_blind_scanner(field_, value_of(content_scanner(*lab_, field_)));
  expect_defended(report);
  EXPECT_EQ(report.cases, 12);
}

TEST_F(Scanner, ThatPassesWhatItDoesNotSee) {
  BlindScannerTarget target = value_of(content_scanner(*lab_, field_));
  target.passes = [sound = target.passes](const ScannedFolder& folder) {
    return folder.stopped ? ok_status() : sound(folder);
  };
  const Report report = run_blind_scanner(field_, target);
  expect_failed(report);
  EXPECT_NE(report.reason.find("stopped"), std::string::npos) << report.reason;
}

TEST_F(Scanner, ThatPassesNothingAtAll) {
  BlindScannerTarget target = value_of(content_scanner(*lab_, field_));
  target.passes = [](const ScannedFolder&) { return Status(Error(Code::kDenied, "no")); };
  expect_not_run(run_blind_scanner(field_, target), "everything is sealed");
}

class Releases : public Exercises {};

TEST_F(Releases, MeasurementSubstitution) {
  const Report report = run_measurement_substitution(field(), decide_release);
  expect_defended(report);
  EXPECT_TRUE(report.simulated);
  EXPECT_EQ(report.cases, 11);
}

TEST_F(Releases, ToTheRightWorkerAlone) {
  const Report report = run_attested_release(field(), decide_release);
  expect_defended(report);
  EXPECT_TRUE(report.simulated);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"channel", "debug", "measurement", "no-evidence", "positive",
                                                     "replay", "stale", "tenant"}));
}

TEST_F(Releases, ToAnybody) {
  const auto anybody = [](const service::ReleaseCase&, const policy::AttestationPolicy&) { return ok_status(); };
  expect_failed(run_measurement_substitution(field("a"), anybody));
  const Report report = run_attested_release(field("b"), anybody);
  expect_failed(report);
  EXPECT_EQ(report.covers, std::vector<std::string>{"positive"});
}

// Who gives nobody a key refuses the right worker, too.
TEST_F(Releases, ToNobody) {
  const auto nobody = [](const service::ReleaseCase&, const policy::AttestationPolicy&) {
    return Status(Error(Code::kDenied, "no"));
  };
  const Report report = run_attested_release(field(), nobody);
  expect_failed(report);
  EXPECT_EQ(std::ranges::count(report.covers, "positive"), 0);
}

TEST(RedteamParts, AllThatRedteamIsHandedIn) {
  const auto parts = redteam_parts();
  EXPECT_EQ(parts.size(), 4U);
  for (const auto& [id, part] : parts) EXPECT_NE(built_in_playbook().find(id), nullptr) << id;
}

}  // namespace
}  // namespace cloister::home
