#include "cloisterd/fetch_budget.h"

#include <gtest/gtest.h>

namespace cloister::daemon {
namespace {

constexpr Time kNow{1'800'000'000'000};

TEST(FetchBudget, EachCallerHasItsOwn) {
  FetchBudget budget(0);
  EXPECT_EQ(budget.take("a", 30, kNow), 30U);
  EXPECT_EQ(budget.take("a", 30, kNow), 2U);
  EXPECT_EQ(budget.take("b", 3, kNow), 3U);
  EXPECT_EQ(budget.take("a", 1, kNow + seconds(59)), 0U);
  EXPECT_EQ(budget.take("a", 1, kNow + minutes(1)), 1U);
}

TEST(FetchBudget, GuestsShareOne) {
  EXPECT_EQ(FetchBudget(0).take("", 1, kNow), 0U);
  FetchBudget budget(6);
  EXPECT_EQ(budget.take("", 4, kNow), 4U);
  EXPECT_EQ(budget.take("", 4, kNow), 2U);
}

TEST(FetchBudget, ClockThatGoesBack) {
  FetchBudget budget(1);
  EXPECT_EQ(budget.take("", 1, kNow), 1U);
  EXPECT_EQ(budget.take("", 1, kNow + hours(-1)), 0U);
}

TEST(FetchBudget, MoreCallersThanThereIsRoomFor) {
  FetchBudget budget(1);
  for (std::size_t i = 0; i < FetchBudget::kCallersMax; ++i) {
    EXPECT_EQ(budget.take(std::to_string(i), 1, kNow), 1U);
  }
  EXPECT_EQ(budget.take("one more", 1, kNow), 0U);
  EXPECT_EQ(budget.take("0", 1, kNow), 1U);
}

}  // namespace
}  // namespace cloister::daemon
