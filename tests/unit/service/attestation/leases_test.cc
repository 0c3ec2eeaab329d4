// Leases: until they end, and no more of them than there is room for.
#include "service/attestation/leases.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

constexpr Time kNow{1'800'000'000'000};

Lease lease(std::string id, Time expires) {
  Lease made;
  made.id = std::move(id);
  made.expires = expires;
  return made;
}

TEST(Leases, HoldUntilTheyEnd) {
  Leases leases;
  leases.add(lease("a", kNow + minutes(5)), kNow);
  EXPECT_TRUE(leases.find("a", kNow + minutes(5) + Duration{-1}));
  EXPECT_FALSE(leases.find("a", kNow + minutes(5)));
  EXPECT_FALSE(leases.find("b", kNow));
}

TEST(Leases, EndedOnesMakeRoom) {
  Leases leases;
  leases.add(lease("a", kNow + minutes(1)), kNow);
  leases.add(lease("b", kNow + minutes(9)), kNow);
  leases.add(lease("c", kNow + minutes(9)), kNow + minutes(2));
  EXPECT_EQ(leases.size(), 2U);
}

TEST(Leases, TheFirstToEndMakesRoom) {
  Leases leases;
  for (std::size_t i = 0; i <= Leases::kMax; ++i) {
    leases.add(lease(std::to_string(i), kNow + minutes(5) + Duration{static_cast<std::int64_t>(i)}), kNow);
  }
  EXPECT_EQ(leases.size(), Leases::kMax);
  EXPECT_FALSE(leases.find("0", kNow));
  EXPECT_TRUE(leases.find("1", kNow));
}

}  // namespace
}  // namespace cloister::service
