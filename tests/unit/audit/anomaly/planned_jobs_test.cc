#include "audit/anomaly/planned_jobs.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class PlannedJobs : public AfterThreeWeeks {
 protected:
  void plan(std::string_view id, std::uint64_t deks, std::string_view key = "corpus") {
    const Time now{stream.ms};
    ASSERT_TRUE(stream.detector.plan_job("acme", {id, kTrainer, key, deks, now, now + hours(10)}).ok());
  }
  void storm(std::string_view id, int deks, std::string_view key = "corpus") {
    for (int i = 0; i < deks; i += 50) {
      UsageEvent event = stream.event();
      event.principal = "spiffe://acme/ns/train/sa/trainer-12";
      event.key_id = key;
      event.job_id = id;
      event.dek_count = 50;
      event.dataset = i % 100 == 0 ? "corpus-1" : "corpus-2";
      event.source = i % 100 == 0 ? "10.0.1.1" : "10.0.1.2";
      stream.ms += 100;
      stream.use(event);
    }
  }
  static constexpr std::string_view kTrainer = "spiffe://acme/ns/train/sa/trainer-11";
};

TEST_F(PlannedJobs, AnAnnouncedStormIsNoNews) {
  plan("job-7", 5000);
  storm("job-7", 5000);
  expect_quiet();
}

TEST_F(PlannedJobs, Unannounced) {
  storm("job-7", 5000);
  EXPECT_GE(stream.count(Kind::kUnwrapSurge), 1);
}

TEST_F(PlannedJobs, MoreThanAnnounced) {
  plan("job-7", 1000);
  storm("job-7", 1100);
  expect_quiet();
  storm("job-7", 50);
  expect_told(Kind::kUnwrapSurge, Severity::kHigh, "announced were 1000");
}

TEST_F(PlannedJobs, AnotherKeyUnderTheJobsName) {
  plan("job-7", 5000, "features");
  storm("job-7", 5000, "corpus");
  EXPECT_GE(stream.count(Kind::kUnwrapSurge), 1);
}

TEST_F(PlannedJobs, SomebodyElseUnderTheJobsName) {
  plan("job-7", 5000, "model");
  UsageEvent event = stream.event();
  event.job_id = "job-7";
  event.dek_count = 2000;
  stream.use(event);
  EXPECT_GE(stream.count(Kind::kUnwrapSurge), 1);
}

TEST_F(PlannedJobs, AfterItsTime) {
  plan("job-7", 5000);
  stream.ms += 11 * kHour;
  storm("job-7", 5000);
  EXPECT_GE(stream.count(Kind::kUnwrapSurge), 1);
}

TEST_F(PlannedJobs, AnnouncedAgainStartsOver) {
  plan("job-7", 1000);
  storm("job-7", 1000);
  plan("job-7", 1000);
  storm("job-7", 1000);
  expect_quiet();
}

TEST_F(PlannedJobs, APlanForAnybodysAnything) {
  const Time now{stream.ms};
  const auto refused = [&](const PlannedJob& job) {
    const Status status = stream.detector.plan_job("acme", job);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), Code::kInvalid);
  };
  refused({"", kTrainer, "corpus", 10, now, now});
  refused({"job", "", "corpus", 10, now, now});
  refused({"job", kTrainer, "", 10, now, now});
  refused({"job", kTrainer, "corpus", 10, now + hours(1), now});
}

TEST_F(PlannedJobs, DoesntHideAForeignKey) {
  plan("job-7", 5000);
  UsageEvent event = stream.event();
  event.principal = kTrainer;
  event.job_id = "job-7";
  event.outcome = UsageOutcome::kWrongTenant;
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kCrossTenantProbe), 1);
}

}  // namespace
}  // namespace cloister::audit::anomaly
