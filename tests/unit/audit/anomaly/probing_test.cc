#include "audit/anomaly/probing.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class Probing : public AfterThreeWeeks {
 protected:
  void refuse(std::string_view key, UsageOutcome outcome, std::string_view dataset = "weights") {
    UsageEvent event = stream.event();
    event.key_id = key;
    event.dataset = dataset;
    event.outcome = outcome;
    stream.use(event);
  }
};

TEST_F(Probing, OneForeignKeyIsEnough) {
  refuse("umbrella/model", UsageOutcome::kWrongTenant);
  expect_told(Kind::kCrossTenantProbe, Severity::kHigh, "umbrella/model");
}

TEST_F(Probing, ThreeAreCritical) {
  for (int i = 0; i < 5; ++i) refuse("umbrella/model", UsageOutcome::kWrongTenant);
  ASSERT_EQ(stream.count(Kind::kCrossTenantProbe), 2);
  EXPECT_EQ(stream.last().severity, Severity::kCritical);
  EXPECT_EQ(stream.last().held_back, 1U);
}

TEST_F(Probing, EvenWhileLearning) {
  Stream young;
  UsageEvent event = young.event();
  event.outcome = UsageOutcome::kWrongTenant;
  young.use(event);
  EXPECT_EQ(young.count(Kind::kCrossTenantProbe), 1);
}

TEST_F(Probing, FromKeyToKeySlowly) {
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    EXPECT_EQ(stream.count(Kind::kCrossTenantProbe), 0);
    refuse(key, UsageOutcome::kDenied);
    stream.ms += 3 * kHour;
  }
  stream.ms -= 3 * kHour;
  expect_told(Kind::kCrossTenantProbe, Severity::kMedium, "5 distinct keys");
}

TEST_F(Probing, TheSameKeyAgainAndAgainIsAMistake) {
  for (int i = 0; i < 500; ++i) refuse("model", UsageOutcome::kDenied);
  expect_quiet();
}

TEST_F(Probing, AThousandTimesInAMinuteIsNot) {
  for (int i = 0; i < 1500; ++i) refuse("model", UsageOutcome::kDenied);
  EXPECT_EQ(stream.count(Kind::kCrossTenantProbe), 1);
}

TEST_F(Probing, ReplayedInWrongContexts) {
  refuse("model", UsageOutcome::kWrongContext, "a");
  refuse("model", UsageOutcome::kWrongContext, "b");
  expect_quiet();
  refuse("model", UsageOutcome::kMalformed, "c");
  expect_told(Kind::kCrossTenantProbe, Severity::kMedium, "3 distinct");
}

TEST_F(Probing, YesterdaysRefusalsAreForgotten) {
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) {
    refuse(key, UsageOutcome::kDenied);
    stream.ms += 7 * kHour;
  }
  expect_quiet();
}

TEST_F(Probing, GuessesDontPushOutWhatIsKnown) {
  const auto before = stream.detector.counts();
  for (int i = 0; i < 2000; ++i) refuse("guess-" + std::to_string(i), UsageOutcome::kDenied);
  EXPECT_EQ(stream.detector.counts().keys, before.keys);
  EXPECT_EQ(stream.detector.counts().families, before.families);
}

}  // namespace
}  // namespace cloister::audit::anomaly
