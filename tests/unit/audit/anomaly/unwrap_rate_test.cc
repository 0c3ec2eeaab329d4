#include "audit/anomaly/unwrap_rate.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

using UnwrapSurge = AfterThreeWeeks;

TEST_F(UnwrapSurge, FiveHundredInAMinute) {
  for (int i = 0; i < 50; ++i) {
    UsageEvent event = stream.event();
    event.dek_count = 10;
    stream.use(event);
  }
  expect_told(Kind::kUnwrapSurge, Severity::kHigh, "unwrapped 100 DEKs");
}

TEST_F(UnwrapSurge, FoundBeforeItIsOver) {
  UsageEvent event = stream.event();
  event.dek_count = 10;
  int taken = 0;
  while (stream.count(Kind::kUnwrapSurge) == 0 && taken < 5000) {
    stream.use(event);
    taken += 10;
  }
  EXPECT_LE(taken, 200);
}

TEST_F(UnwrapSurge, SpreadOverAnHour) {
  for (int i = 0; i < 60; ++i) {
    stream.at(21, 4, i);
    UsageEvent event = stream.event();
    event.dek_count = 8;
    stream.use(event);
  }
  ASSERT_EQ(stream.count(Kind::kUnwrapSurge), 1);
  EXPECT_NE(stream.last().what.find("in this hour"), std::string::npos) << stream.last().what;
}

TEST_F(UnwrapSurge, TwiceAsMuchAsUsualIsNoNews) {
  for (int i = 0; i < 40; ++i) {
    stream.at(21, 4, i);
    UsageEvent event = stream.event();
    event.dek_count = 2;
    stream.use(event);
  }
  expect_quiet();
}

TEST_F(UnwrapSurge, UnderAKeyOfAnotherTenantIsAnotherSeries) {
  UsageEvent event = stream.event();
  event.tenant = "umbrella";
  event.dek_count = 500;
  stream.use(event);
  expect_quiet();
}

TEST_F(UnwrapSurge, ARefusedUnwrapTakesNothing) {
  for (int i = 0; i < 100; ++i) {
    UsageEvent event = stream.event();
    event.dek_count = 100;
    event.outcome = UsageOutcome::kFailed;
    stream.use(event);
  }
  expect_quiet();
}

TEST_F(UnwrapSurge, AWeeklyBatchIsAHabitTheThirdTime) {
  std::vector<int> told;
  for (int week = 3; week < 8; ++week) {
    stream.found.clear();
    for (int hour = 0; hour < 7 * 24; ++hour) {
      if (hour == 50) {
        UsageEvent event = stream.event();
        event.dek_count = 3000;
        stream.use(event);
      }
      stream.work_an_hour();
    }
    told.push_back(stream.count(Kind::kUnwrapSurge));
  }
  EXPECT_EQ(told, (std::vector{1, 1, 0, 0, 0}));
}

TEST_F(UnwrapSurge, SlowDrip) {
  for (int hour = 0; hour < 6 * 24; ++hour) {
    const std::int64_t start = stream.ms;
    for (int i = 0; i < 16; ++i) {
      stream.ms = start + i * 200'000;
      stream.use(stream.event());
    }
    stream.ms = start;
    stream.work_an_hour();
  }
  ASSERT_EQ(stream.count(Kind::kUnwrapSurge), 1);
  EXPECT_NE(stream.last().what.find("for days"), std::string::npos) << stream.last().what;
  EXPECT_GT(stream.last().time, (Time{Stream::kMonday + 22 * kDay}));
}

TEST(UnwrapSurgeOfANewcomer, IsJudgedByWhatTenantsOfItsKindDo) {
  Stream stream;
  stream.detector.set_tenant_class("acme", TenantClass::kInteractive);
  stream.work(1);
  for (int i = 0; i < 5; ++i) {
    UsageEvent event = stream.event();
    event.dek_count = 100;
    stream.use(event);
  }
  EXPECT_TRUE(stream.found.empty());
  for (int i = 0; i < 2; ++i) {
    UsageEvent event = stream.event();
    event.dek_count = 100;
    stream.use(event);
  }
  ASSERT_EQ(stream.count(Kind::kUnwrapSurge), 1);
  EXPECT_NE(stream.last().what.find("of a tenant of its kind"), std::string::npos) << stream.last().what;
}

}  // namespace
}  // namespace cloister::audit::anomaly
