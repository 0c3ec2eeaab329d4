#include "base/clock.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Clock, WritesRfc3339) {
  EXPECT_EQ(to_rfc3339(Time{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(Time{1'795'526'589'007}), "2026-11-24T13:23:09.007Z");
  EXPECT_EQ(to_rfc3339(Time{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(Time{951'782'400'000}), "2000-02-29T00:00:00.000Z");
}

TEST(Clock, AddsAndSubtracts) {
  EXPECT_EQ((Time{1000} + hours(1)).unix_ms, 3'601'000);
  EXPECT_EQ((Time{5000} - Time{2000}).ms, 3000);
  EXPECT_LT(hours(23), days(1));
  EXPECT_GT(system_time(), Time{1'700'000'000'000});
  const double before = monotonic_seconds();
  EXPECT_LE(before, monotonic_seconds());
}

}  // namespace
}  // namespace cloister
