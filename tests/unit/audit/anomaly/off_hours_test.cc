#include "audit/anomaly/off_hours.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

using OffHours = AfterThreeWeeks;

TEST_F(OffHours, AnAnalystAtTwoInTheMorning) {
  stream.at(22, 2);
  stream.use(stream.ada("corpus-1"));
  expect_told(Kind::kOffHours, Severity::kMedium, "2:00 UTC on a weekday");
}

TEST_F(OffHours, AnHourLaterThanUsual) {
  stream.at(22, 18);
  stream.use(stream.ada("corpus-1"));
  expect_quiet();
}

TEST_F(OffHours, AServiceNeverSleeps) {
  stream.at(22, 3);
  stream.use(stream.event());
  expect_quiet();
}

TEST_F(OffHours, TooLittleForAWord) {
  stream.at(22, 2);
  UsageEvent event = stream.ada("corpus-1");
  event.dek_count = 1;
  stream.use(event);
  stream.use(event);
  expect_quiet();
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kOffHours), 1);
}

TEST_F(OffHours, SaturdayNight) {
  stream.at(26, 23);
  stream.use(stream.ada("corpus-1"));
  expect_told(Kind::kOffHours, Severity::kMedium, "weekend");
}

TEST_F(OffHours, BecomesAHabit) {
  for (int day = 22; day < 27; ++day) {
    stream.at(day, 2);
    stream.use(stream.ada("corpus-1"));
  }
  EXPECT_EQ(stream.count(Kind::kOffHours), 2);
}

}  // namespace
}  // namespace cloister::audit::anomaly
