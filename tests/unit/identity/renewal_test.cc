#include "identity/renewal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

TEST(Renewal, BeforeHalfLifeAndNotAllAtOnce) {
  DeterministicRandom random(1);
  const Time end = kNow + hours(1);
  Time first = end, last = kNow;
  for (int i = 0; i < 1000; ++i) {
    const Time at = renewal_time(kNow, end, random);
    ASSERT_GE(at, kNow + minutes(24));
    ASSERT_LT(at, kNow + minutes(30));
    first = std::min(first, at);
    last = std::max(last, at);
  }
  EXPECT_LT(first, kNow + minutes(24) + seconds(10));
  EXPECT_GT(last, kNow + minutes(30) + seconds(-10));
}

TEST(Renewal, NothingLeft) {
  DeterministicRandom random(1);
  EXPECT_EQ(renewal_time(kNow, kNow, random), kNow);
  EXPECT_EQ(renewal_time(kNow, kNow + seconds(-5), random), kNow);
  EXPECT_LT(renewal_time(kNow, kNow + Duration{9}, random), kNow + Duration{5});
}

TEST(Renewal, LongLifetimesDoNotOverflow) {
  DeterministicRandom random(1);
  const Time at = renewal_time(kNow, kNow + days(3660), random);
  EXPECT_GE(at, kNow + days(1464));
  EXPECT_LE(at, kNow + days(1830));
}

TEST(Retry, WaitsLongerEachTime) {
  DeterministicRandom random(1);
  const Time end = kNow + days(1);
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    const Duration full = std::min(seconds(std::int64_t{attempt} + 1), seconds(30));
    const Duration wait = retry_delay(attempt, kNow, end, random);
    EXPECT_LE(wait, full);
    EXPECT_GE(wait.ms, full.ms * 8 / 10);
  }
  EXPECT_LE(retry_delay(4'000'000'000U, kNow, end, random), seconds(30));
}

TEST(Retry, HurriesTowardsTheEnd) {
  DeterministicRandom random(1);
  EXPECT_EQ(retry_delay(50, kNow, kNow + seconds(20), random), seconds(2));
  EXPECT_EQ(retry_delay(50, kNow, kNow + Duration{500}, random), Duration{100});
  EXPECT_GE(retry_delay(50, kNow, kNow + seconds(-1), random), seconds(24));
}

}  // namespace
}  // namespace cloister::identity
