#include "audit/anomaly/measurement_drift.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class MeasurementDrift : public AfterThreeWeeks {
 protected:
  UsageEvent attested(std::string_view measurement, UsageOutcome outcome = UsageOutcome::kAllowed) {
    UsageEvent event = stream.event();
    event.measurement = measurement;
    event.outcome = outcome;
    return event;
  }
};

TEST_F(MeasurementDrift, NotInTheAllowSetAndLetIn) {
  stream.detector.allow_measurement("acme", "aa11");
  stream.use(attested("aa11"));
  expect_quiet();
  stream.use(attested("aa12"));
  expect_told(Kind::kMeasurementDrift, Severity::kHigh, "aa12");
}

TEST_F(MeasurementDrift, NotInTheAllowSetAndRefused) {
  stream.detector.allow_measurement("acme", "aa11");
  stream.use(attested("aa12", UsageOutcome::kDenied));
  expect_told(Kind::kMeasurementDrift, Severity::kMedium, "was refused");
}

TEST_F(MeasurementDrift, AllowedForAnotherTenant) {
  stream.detector.allow_measurement("umbrella", "aa12");
  stream.detector.allow_measurement("acme", "aa11");
  stream.use(attested("aa12"));
  EXPECT_EQ(stream.count(Kind::kMeasurementDrift), 1);
}

TEST_F(MeasurementDrift, NeverSeenWhereNothingIsAllowedByName) {
  stream.use(attested("aa11"));
  expect_told(Kind::kMeasurementDrift, Severity::kMedium, "never seen before");
  stream.use(attested("aa11"));
  EXPECT_EQ(stream.count(Kind::kMeasurementDrift), 1);
}

TEST(MeasurementDriftWhileLearning, IsLearned) {
  Stream stream;
  stream.work(1);
  UsageEvent event = stream.event();
  event.measurement = "aa11";
  stream.use(event);
  stream.work(10);
  stream.use(event);
  EXPECT_TRUE(stream.found.empty());
}

}  // namespace
}  // namespace cloister::audit::anomaly
