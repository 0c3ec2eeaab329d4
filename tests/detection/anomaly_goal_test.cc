// The goal: at least 95 % of the attacks of eight kinds are found, at no more than one false alarm per tenant and week.
// The thresholds were tuned on worlds 1 to 80; these worlds are others.
#include <gtest/gtest.h>

#include "tests/support/detection_score.h"

namespace cloister::testing {
namespace {

constexpr std::uint64_t kFirstSeed = 1001;
#ifdef CLOISTER_SANITIZED
constexpr std::uint64_t kSeeds = 4;  // as many as a sanitizer gets through in the time
#else
constexpr std::uint64_t kSeeds = 20;
#endif

DetectionScore score(bool inject) {
  WorldOptions options;
  options.inject = inject;
  DetectionScore score;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) score.add(score_world(seed, options));
  return score;
}

TEST(AnomalyGoal, AttacksAreFoundAndFewFalseAlarmsRaised) {
  const DetectionScore result = score(true);
  ASSERT_EQ(result.injected(), static_cast<int>(kSeeds) * 2 * kAttackKindsCounted);
  EXPECT_GE(result.found(), 0.95 * result.injected()) << result.found() << " of " << result.injected();
  EXPECT_LE(result.false_alarms_per_tenant_week(), 1.0);
  for (int kind = 0; kind < kAttackKinds; ++kind) {
    const Tally& tally = result.attacks[static_cast<std::size_t>(kind)];
    EXPECT_GE(tally.found, 0.75 * tally.injected) << attack_name(static_cast<AttackKind>(kind));
  }
}

// What would be "found" if the attacks never happened is luck, and must be little of the score.
TEST(AnomalyGoal, IsNotReachedByLuck) {
  const DetectionScore result = score(false);
  EXPECT_LE(result.found(), 0.1 * result.injected()) << result.found() << " of " << result.injected();
  EXPECT_LE(result.false_alarms_per_tenant_week(), 1.0);
}

}  // namespace
}  // namespace cloister::testing
