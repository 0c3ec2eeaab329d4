#include "audit/anomaly/thresholds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audit/anomaly/detector.h"

namespace cloister::audit::anomaly {
namespace {

void expect_invalid(const Thresholds& thresholds, std::string_view field) {
  const auto detector = Detector::create(thresholds, {}, 1);
  ASSERT_FALSE(detector.ok()) << field;
  EXPECT_EQ(detector.error().code(), Code::kInvalid);
  EXPECT_NE(detector.error().message().find(field), std::string::npos) << detector.error().message();
}

template <typename Field>
void expect_invalid(Field Thresholds::* field, Field value, std::string_view name) {
  Thresholds thresholds;
  thresholds.*field = value;
  expect_invalid(thresholds, name);
}

TEST(Thresholds, DefaultsMakeSense) { EXPECT_TRUE(Detector::create({}, {}, 1).ok()); }

TEST(Thresholds, NonsenseIsNamed) {
  expect_invalid(&Thresholds::surge_z, std::nan(""), "surge_z");
  expect_invalid(&Thresholds::surge_spread_min, 0.0, "surge_spread_min");
  expect_invalid(&Thresholds::novelty_bits, -1.0, "novelty_bits");
  expect_invalid(&Thresholds::breadth_quantile, 1.5, "breadth_quantile");
  expect_invalid(&Thresholds::learning, Duration{-1}, "learning");
  expect_invalid(&Thresholds::probe_targets_min, 100U, "probe_targets_min");
  expect_invalid(&Thresholds::destructive_keys_min, 1U, "destructive_keys_min");
  Thresholds thresholds;
  thresholds.priors[1].deks_per_hour = 0;
  expect_invalid(thresholds, "priors.deks_per_hour");
}

TEST(Limits, NoneAndTooMany) {
  for (const std::size_t bad : {std::size_t{0}, Limits::kMax + 1}) {
    Limits limits;
    limits.series = bad;
    const auto detector = Detector::create({}, limits, 1);
    ASSERT_FALSE(detector.ok());
    EXPECT_EQ(detector.error().code(), Code::kInvalid);
  }
}

TEST(FalseDiscoveryBudget, TestsSpendDiscoveriesEarnTimeRefills) {
  const FalseDiscoveryBudget::Rules rules;
  FalseDiscoveryBudget budget;
  const double at_first = budget.level(0, rules);
  for (int i = 0; i < 5000; ++i) budget.spend(0, rules);
  EXPECT_LT(budget.level(0, rules), at_first / 50);
  EXPECT_GT(budget.level(0, rules), 0);
  EXPECT_FALSE(budget.discovers(1e-4, 0, rules));
  EXPECT_TRUE(budget.discovers(1e-12, 0, rules));
  EXPECT_GT(budget.level(0, rules), at_first / 10);
  budget.left = 0;
  EXPECT_NEAR(budget.level(14 * 86'400'000LL, rules), at_first, 1e-12);
  EXPECT_NEAR(budget.level(0, rules), at_first, 1e-12);  // a clock that went back refills nothing, and takes nothing
}

}  // namespace
}  // namespace cloister::audit::anomaly
