#include "audit/anomaly/sketch.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/sim_random.h"

namespace cloister::audit::anomaly {
namespace {

TEST(DistinctCounter, CountsWithinItsError) {
  testing::SimRandom random(5);
  DistinctCounter counter;
  int added = 0;
  for (const int target : {1, 10, 40, 300, 5000, 100000}) {
    for (; added < target; ++added) counter.add(random.next());
    EXPECT_NEAR(counter.estimate(), target, target < 50 ? 3 : target * 0.25) << target;
  }
}

TEST(DistinctCounter, TheSameAgainChangesNothing) {
  testing::SimRandom random(6);
  DistinctCounter counter;
  std::uint64_t first = 0;
  for (int i = 0; i < 30; ++i) counter.add(first = random.next());
  const double before = counter.estimate();
  EXPECT_FALSE(counter.add(first));
  EXPECT_EQ(counter.estimate(), before);
  counter.clear();
  EXPECT_EQ(counter.estimate(), 0);
}

TEST(DistinctCounter, ExtremeHashes) {
  DistinctCounter counter;
  EXPECT_TRUE(counter.add(0));
  EXPECT_TRUE(counter.add(~std::uint64_t{0}));
  EXPECT_TRUE(counter.valid());
}

TEST(FadingHistogram, MedianAndSpreadOfANormal) {
  testing::SimRandom random(7);
  FadingHistogram histogram;
  for (int i = 0; i < 4000; ++i) histogram.add(2 + 0.8 * random.normal(), 10000);
  EXPECT_NEAR(histogram.median(), 2, 0.06);
  EXPECT_NEAR(histogram.spread(), 0.8, 0.15);
  EXPECT_NEAR(histogram.quantile(0.975), 2 + 0.8 * 1.96, 0.15);
}

TEST(FadingHistogram, OutliersMoveItLittle) {
  FadingHistogram histogram;
  for (int i = 0; i < 100; ++i) histogram.add(1, 1000);
  for (int i = 0; i < 20; ++i) histogram.add(100, 1000);
  EXPECT_NEAR(histogram.median(), 1, 0.25);
  EXPECT_LT(histogram.spread(), 0.4);
}

TEST(FadingHistogram, OldValuesFade) {
  FadingHistogram histogram;
  for (int i = 0; i < 100; ++i) histogram.add(1, 100);
  for (int i = 0; i < 300; ++i) histogram.add(5, 100);
  EXPECT_NEAR(histogram.median(), 5, 0.3);
  EXPECT_LE(histogram.total(), 100U);
}

TEST(FadingHistogram, NothingAndOutOfRange) {
  FadingHistogram histogram;
  EXPECT_EQ(histogram.median(), 0);
  EXPECT_EQ(histogram.spread(), 0);
  histogram.add(-1e9, 10);
  histogram.add(1e9, 10);
  EXPECT_EQ(histogram.total(), 2U);
  EXPECT_LE(histogram.quantile(1), 12);
}

}  // namespace
}  // namespace cloister::audit::anomaly
