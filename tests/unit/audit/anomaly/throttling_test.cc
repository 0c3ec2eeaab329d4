#include "audit/anomaly/throttling.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class Throttling : public AfterThreeWeeks {
 protected:
  void flood(int calls, std::int64_t apart_ms) {
    for (int i = 0; i < calls; ++i) {
      UsageEvent event = stream.event();
      event.throttled = true;
      event.outcome = UsageOutcome::kFailed;
      event.latency = Duration{800};
      stream.use(event);
      stream.ms += apart_ms;
    }
  }
};

TEST_F(Throttling, DoesntSlowDown) {
  flood(3000, 500);
  ASSERT_EQ(stream.count(Kind::kThrottling), 1);
  EXPECT_EQ(stream.found[0].severity, Severity::kMedium);
  EXPECT_GT(stream.found[0].contributions[1].value, 700);     // p99 of late
  EXPECT_LT(stream.found[0].contributions[1].expected, 100);  // p99 as it usually is
}

TEST_F(Throttling, AStormOfAFewSeconds) {
  flood(400, 10);
  expect_quiet();
}

TEST_F(Throttling, ABackoffThatWorks) {
  flood(2000, 3000);
  expect_quiet();
}

}  // namespace
}  // namespace cloister::audit::anomaly
