#include "attest/collateral/refresh.h"

#include <gtest/gtest.h>

namespace cloister::attest {
namespace {

constexpr Time kStart{1'795'526'589'000};

CollateralItem item(CollateralKind kind, std::string key, std::optional<Duration> life) {
  CollateralItem one{kind, std::move(key), {1}, "", kStart, {}, {}};
  if (life) {
    one.issued = kStart;
    one.expires = kStart + *life;
  }
  return one;
}

TEST(CollateralRefresh, AheadOfExpiry) {
  EXPECT_EQ(due(item(CollateralKind::kIntelCrl, "root", days(10)), {}), kStart + days(5));
  EXPECT_EQ(due(item(CollateralKind::kIntelCrl, "root", days(30)), {}), kStart + days(7));
  EXPECT_EQ(due(item(CollateralKind::kNvidiaRim, "x", {}), {}), kStart + days(7));
  EXPECT_EQ(due(item(CollateralKind::kAmdChain, "Milan/vcek", days(9000)), {}), kStart + days(7));
}

TEST(CollateralRefresh, NotAgainAtOnceWhatAServerDoesNotRenew) {
  CollateralItem late = item(CollateralKind::kIntelCrl, "root", days(10));
  late.fetched = kStart + days(9);
  EXPECT_EQ(due(late, {}), kStart + days(9) + hours(1));
}

TEST(CollateralRefresh, WhatNobodyIssuesAnew) {
  EXPECT_FALSE(due(item(CollateralKind::kAmdCertificate, "Milan/00/00", days(10)), {}));
  EXPECT_FALSE(due(item(CollateralKind::kCcaEndorsement, "00/00", {}), {}));
  EXPECT_FALSE(due(item(CollateralKind::kTpmEndorsement, "00", {}), {}));
}

TEST(CollateralRefresh, ExpiredOnItsOwnDate) {
  const CollateralItem one = item(CollateralKind::kIntelCrl, "root", days(10));
  EXPECT_FALSE(expired(one, kStart + days(9)));
  EXPECT_TRUE(expired(one, kStart + days(10)));
  EXPECT_FALSE(expired(item(CollateralKind::kNvidiaRim, "x", {}), kStart + days(9999)));
}

TEST(CollateralRefresh, MissingFirstThenWhatEndsSoonest) {
  Collateral kept;
  kept.add(item(CollateralKind::kIntelCrl, "root", days(8)));
  kept.add(item(CollateralKind::kIntelCrl, "platform", days(6)));
  kept.add(item(CollateralKind::kIntelCrl, "processor", days(12)));
  const CollateralNeed missing{CollateralKind::kNvidiaRim, "NV"};
  const CollateralNeed there{CollateralKind::kIntelCrl, "root"};
  const RefreshPlan plan = plan_refresh(kept, {there, missing, missing}, kStart + days(5), {});
  ASSERT_EQ(plan.now.size(), 3U);
  EXPECT_EQ(plan.now[0], missing);
  EXPECT_EQ(plan.now[1].key, "platform");
  EXPECT_EQ(plan.now[2].key, "root");
  EXPECT_EQ(plan.next, kStart + days(6));
}

TEST(CollateralRefresh, NothingToDo) {
  Collateral kept;
  kept.add(item(CollateralKind::kIntelCrl, "root", days(8)));
  const RefreshPlan plan = plan_refresh(kept, {}, kStart, {});
  EXPECT_TRUE(plan.now.empty());
  EXPECT_EQ(plan.next, kStart + days(4));
}

}  // namespace
}  // namespace cloister::attest
