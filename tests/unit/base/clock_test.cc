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

TEST(Clock, ReadsWhatItWrites) {
  for (const std::int64_t ms : {0LL, 1'795'526'589'007LL, 951'782'400'000LL, 253'402'300'799'999LL}) {
    EXPECT_EQ(parse_rfc3339(to_rfc3339(Time{ms})).value().unix_ms, ms);
  }
  EXPECT_EQ(parse_rfc3339("2026-11-24T13:23:09Z").value().unix_ms, 1'795'526'589'000);
}

TEST(Clock, NoTimeOfThisForm) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026-11-24",
                                      "2026-11-24T13:23:09",
                                      "2026-11-24t13:23:09Z",
                                      "2026-11-24T13:23:09z",
                                      "2026-11-24 13:23:09Z",
                                      "2026-11-24T13:23:09+00:00",
                                      "2026-11-24T13:23:09.0Z",
                                      "2026-11-24T13:23:09,000Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T13:60:00Z",
                                      "2026-11-24T13:23:60Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-00-10T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "1969-12-31T23:59:59Z",
                                      "-026-11-24T13:23:09Z",
                                      "2026-11-24T13:23:-9Z",
                                      "2026/11/24T13:23:09Z",
                                      "02026-11-24T13:23:09Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code(), Code::kInvalid);
  }
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z").ok());
}

TEST(Clock, AddsAndSubtracts) {
  EXPECT_EQ((Time{1000} + hours(1)).unix_ms, 3'601'000);
  EXPECT_EQ((Time{5000} - Time{2000}).ms, 3000);
  EXPECT_LT(hours(23), days(1));
  EXPECT_EQ(hours(1), minutes(60));
  EXPECT_EQ(minutes(1), seconds(60));
  EXPECT_GT(system_time(), Time{1'700'000'000'000});
  const double before = monotonic_seconds();
  EXPECT_LE(before, monotonic_seconds());
}

}  // namespace
}  // namespace cloister
