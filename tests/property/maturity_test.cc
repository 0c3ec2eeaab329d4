// What holds for every state of every control: taking evidence away, of many controls at once, and covering less of the
// estate never raises a level or the lower bound of the score, and only widens its interval.
#include <gtest/gtest.h>

#include <random>

#include "posture/maturity.h"

namespace cloister::posture {
namespace {

#ifdef CLOISTER_SANITIZED
constexpr int kStates = 1'000;
#else
constexpr int kStates = 12'000;
#endif
constexpr int kRemovals = 4;  // of each state

using enum Status;

class States {
 public:
  explicit States(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }

  // Mostly passes, or no state would reach a level that could be lost.
  Assessment state() {
    const std::uint64_t odd = below(4) == 0 ? 2 : 40;
    Assessment out;
    for (const Control& control : built_in_catalogue().controls) {
      ControlAssessment& one = out.controls.emplace_back();
      one.control = control.id;
      one.status = below(odd) == 0 ? static_cast<Status>(below(kStatusCount)) : kPass;
    }
    out.coverage = {below(4) == 0 ? below(101) : 90 + below(11), 100};
    return out;
  }

  // Several controls are not assessed any more, or less is covered, or both.
  Assessment with_less(Assessment state) {
    const std::uint64_t how = below(3);
    if (how != 1) {
      for (std::uint64_t left = 1 + below(below(8) == 0 ? 60 : 4); left > 0; --left)
        state.controls[below(state.controls.size())].status = kNotAssessed;
    }
    if (how != 0) state.coverage.assessed -= below(state.coverage.assessed + 1);
    return state;
  }

 private:
  std::mt19937_64 random_;
};

TEST(MaturityProperty, LessEvidenceNeverRaisesALevelOrTheLowerBound) {
  States states(0x5eed);
  std::uint64_t lowered = 0, reached = 0;
  for (int i = 0; i < kStates; ++i) {
    const Assessment before = states.state();
    const Maturity had = maturity(built_in_catalogue(), before);
    reached += had.overall ? 1 : 0;
    for (int k = 0; k < kRemovals; ++k) {
      const Maturity has = maturity(built_in_catalogue(), states.with_less(before));
      for (std::size_t d = 0; d < kDomainCount; ++d) {
        ASSERT_LE(has.domains[d].reached, had.domains[d].reached) << i << " " << name_of(had.domains[d].domain);
        lowered += has.domains[d].reached < had.domains[d].reached ? 1 : 0;
      }
      ASSERT_LE(has.overall, had.overall) << i;
      ASSERT_LE(has.score.lower, had.score.lower) << i;
      ASSERT_GE(has.score.upper, had.score.upper) << i;
    }
  }
  // It is about states that have something to lose.
  EXPECT_GT(reached, static_cast<std::uint64_t>(kStates) / 10);
  EXPECT_GT(lowered, static_cast<std::uint64_t>(kStates));
}

TEST(MaturityProperty, EveryControlOfEveryStateTakenAwayByItself) {
  States states(0xface);
  for (int i = 0; i < kStates / 60; ++i) {
    Assessment state = states.state();
    const Maturity had = maturity(built_in_catalogue(), state);
    for (ControlAssessment& control : state.controls) {
      const Status was = control.status;
      control.status = kNotAssessed;
      const Maturity has = maturity(built_in_catalogue(), state);
      control.status = was;
      for (std::size_t d = 0; d < kDomainCount; ++d) ASSERT_LE(has.domains[d].reached, had.domains[d].reached);
      ASSERT_LE(has.score.lower, had.score.lower) << control.control;
      ASSERT_GE(has.score.upper, had.score.upper) << control.control;
    }
  }
}

// Blockers are exactly why a level isn't reached: with all of them passed and all covered, it is.
TEST(MaturityProperty, WithoutItsBlockersADomainClimbs) {
  States states(0xb10c);
  for (int i = 0; i < kStates / 4; ++i) {
    const Assessment before = states.state();
    const Maturity had = maturity(built_in_catalogue(), before);
    for (std::size_t d = 0; d < kDomainCount; ++d) {
      if (had.domains[d].blockers.empty()) {
        ASSERT_EQ(had.domains[d].reached, Level::kStrategic);
        continue;
      }
      Assessment after = before;
      for (const Blocker& blocker : had.domains[d].blockers) {
        if (blocker.control.empty()) after.coverage.assessed = after.coverage.known;
        for (ControlAssessment& control : after.controls) {
          if (control.control == blocker.control) control.status = kPass;
        }
      }
      ASSERT_GT(maturity(built_in_catalogue(), after).domains[d].reached, had.domains[d].reached) << i;
    }
  }
}

// The steps that are named, all done, raise the overall level.
TEST(MaturityProperty, AllNextStepsTogetherRaiseTheLevel) {
  States states(0x57e9);
  for (int i = 0; i < kStates / 4; ++i) {
    Assessment state = states.state();
    const Maturity had = maturity(built_in_catalogue(), state);
    if (had.overall == Level::kStrategic) continue;
    ASSERT_FALSE(had.next.empty());
    for (const NextStep& step : had.next) {
      if (step.control.empty()) state.coverage.assessed = state.coverage.known;
      for (ControlAssessment& control : state.controls) {
        if (control.control == step.control) control.status = kPass;
      }
    }
    ASSERT_GT(maturity(built_in_catalogue(), state).overall, had.overall) << i;
  }
}

}  // namespace
}  // namespace cloister::posture
