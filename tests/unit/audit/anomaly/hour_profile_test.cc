#include "audit/anomaly/hour_profile.h"

#include <gtest/gtest.h>

namespace cloister::audit::anomaly {
namespace {

constexpr std::int64_t kFirst = 491'000, kWeek = HourProfile::kWeek;

HourProfile profile_of(std::initializer_list<double> weeks) {
  HourProfile profile;
  profile.start(kFirst);
  std::int64_t hour = kFirst;
  for (const double count : weeks) {
    if (count >= 0) profile.close(hour, count);
    hour += kWeek;
  }
  return profile;
}

TEST(HourProfile, KnowsNothingAtFirst) {
  const HourProfile profile = profile_of({100});
  EXPECT_FALSE(profile.usual(kFirst).has_value());
  EXPECT_FALSE(profile.usual(kFirst + kWeek - 1).has_value());
  EXPECT_TRUE(profile.usual(kFirst + kWeek).has_value());
  EXPECT_FALSE(profile.typical(kFirst + kWeek).has_value());
  EXPECT_FALSE(profile.usual(0).has_value());
}

TEST(HourProfile, RemembersWithinASmallError) {
  for (const double count : {0.0, 1.0, 7.0, 100.0, 12345.0, 1e6}) {
    EXPECT_NEAR(*profile_of({count}).usual(kFirst + kWeek), count, count * 0.04);
  }
}

TEST(HourProfile, OneAttackOrOneHolidayMovesItLittle) {
  EXPECT_NEAR(*profile_of({100, 100, 100, 5000}).usual(kFirst + 4 * kWeek), 100, 4);
  EXPECT_NEAR(*profile_of({100, 0, 100, 100}).usual(kFirst + 4 * kWeek), 100, 4);
  EXPECT_NEAR(*profile_of({100, 5000, 100}).usual(kFirst + 3 * kWeek), 100, 4);
}

TEST(HourProfile, WhatHappenedTwiceIsAHabit) {
  EXPECT_NEAR(*profile_of({100, 100, 5000, 5000}).usual(kFirst + 4 * kWeek), 5000, 150);
}

TEST(HourProfile, WeeksWithoutAWordAreZero) {
  EXPECT_NEAR(*profile_of({800, 800}).typical(kFirst + 2 * kWeek), 800, 30);
  EXPECT_NEAR(*profile_of({800, 800}).typical(kFirst + 4 * kWeek), 400, 15);
  EXPECT_EQ(*profile_of({800, 800}).usual(kFirst + 6 * kWeek), 0);
  EXPECT_EQ(*profile_of({800, 800}).usual(kFirst + 5000 * kWeek), 0);
}

TEST(HourProfile, TheHourThatRunsDoesntCountForItself) {
  HourProfile profile = profile_of({100, 100});
  profile.close(kFirst + 2 * kWeek, 9000);
  EXPECT_NEAR(*profile.usual(kFirst + 2 * kWeek), 100, 4);
  EXPECT_NEAR(*profile.typical(kFirst + 2 * kWeek), 100, 4);
}

TEST(HourProfile, NeighboursCount) {
  HourProfile profile = profile_of({100, 100});
  EXPECT_EQ(*profile.usual(kFirst + kWeek * 2 + 1), 0);
  EXPECT_NEAR(*profile.usual_around(kFirst + kWeek * 2 + 1), 100, 4);
  EXPECT_EQ(*profile.usual_around(kFirst + kWeek * 2 + 2), 0);
}

TEST(HourProfile, AClockThatWentBack) {
  HourProfile profile = profile_of({100, 100});
  profile.close(kFirst - 10 * kWeek, 5);
  profile.close(0, 5);
  EXPECT_FALSE(profile.usual(kFirst - kWeek).has_value());
}

}  // namespace
}  // namespace cloister::audit::anomaly
