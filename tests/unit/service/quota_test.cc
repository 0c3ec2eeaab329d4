#include "service/quota.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

constexpr policy::Quota kQuota{.requests_per_second = 10, .burst = 3, .keys_per_batch = 1};
constexpr Time kNow{1'800'000'000'000};

TEST(QuotaBuckets, BurstThenTheRate) {
  QuotaBuckets buckets;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(buckets.take("acme", kQuota, kNow));
  EXPECT_EQ(buckets.take("acme", kQuota, kNow), Duration{100});
  EXPECT_EQ(buckets.take("acme", kQuota, kNow + Duration{40}), Duration{60});
  EXPECT_FALSE(buckets.take("acme", kQuota, kNow + Duration{100}));
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow + Duration{100}));
}

TEST(QuotaBuckets, NeverMoreThanTheBurst) {
  QuotaBuckets buckets;
  EXPECT_FALSE(buckets.take("acme", kQuota, kNow));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(buckets.take("acme", kQuota, kNow + days(1)));
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow + days(1)));
}

TEST(QuotaBuckets, EachTenantForItself) {
  QuotaBuckets buckets;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(buckets.take("acme", kQuota, kNow));
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow));
  EXPECT_FALSE(buckets.take("rival", kQuota, kNow));
}

TEST(QuotaBuckets, ClockThatGoesBack) {
  QuotaBuckets buckets;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(buckets.take("acme", kQuota, kNow));
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow + seconds(-100)));
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow));
  EXPECT_FALSE(buckets.take("acme", kQuota, kNow + Duration{100}));
}

TEST(QuotaBuckets, ChangedQuota) {
  QuotaBuckets buckets;
  const policy::Quota generous{.requests_per_second = 1000, .burst = 1000, .keys_per_batch = 1};
  EXPECT_FALSE(buckets.take("acme", generous, kNow));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(buckets.take("acme", kQuota, kNow));  // no more than the new burst
  EXPECT_TRUE(buckets.take("acme", kQuota, kNow));
}

TEST(QuotaBuckets, ManyTenantsAreForgotten) {
  QuotaBuckets buckets;
  for (int i = 0; i < 5000; ++i) EXPECT_FALSE(buckets.take(std::to_string(i), kQuota, kNow + seconds(i)));
  EXPECT_LE(buckets.size(), 1024U);
}

}  // namespace
}  // namespace cloister::service
