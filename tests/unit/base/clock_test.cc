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

TEST(Clock, ReadsRfc3339) {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'795'526'589'007}, std::int64_t{-1},
                                std::int64_t{951'782'400'000}, std::int64_t{253'402'300'799'999}}) {
    const auto time = parse_rfc3339(to_rfc3339(Time{ms}));
    ASSERT_TRUE(time.ok());
    EXPECT_EQ(time.value(), Time{ms});
  }
  EXPECT_EQ(parse_rfc3339("2026-11-24T13:23:09Z").value(), Time{1'795'526'589'000});
  EXPECT_EQ(parse_rfc3339("2026-11-24T14:23:09.5+01:00").value(), Time{1'795'526'589'500});
  EXPECT_EQ(parse_rfc3339("2026-11-24T11:53:09.0079999-01:30").value(), Time{1'795'526'589'007});
  EXPECT_EQ(parse_rfc3339("0000-01-01T00:00:00Z").value().unix_ms, -62'167'219'200'000);
}

TEST(Clock, NotATime) {
  for (const std::string_view text : {"",
                                      "2026-11-24",
                                      "2026-11-24T13:23:09",
                                      "2026-11-24 13:23:09Z",
                                      "2026-11-24t13:23:09z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-00-10T00:00:00Z",
                                      "2026-13-10T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T23:60:00Z",
                                      "2026-12-31T23:59:60Z",
                                      "2026-11-24T13:23:09.Z",
                                      "2026-11-24T13:23:09+1:00",
                                      "2026-11-24T13:23:09+24:00",
                                      "2026-11-24T13:23:09+01:60",
                                      "2026-11-24T13:23:09Zx",
                                      "2026-11-24T13:23:09+0100",
                                      "+026-11-24T13:23:09Z",
                                      "2026-11-24T13:23:0aZ",
                                      "20261124T132309Z",
                                      "2026-11-24T13:23:09.5"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code(), Code::kInvalid);
  }
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
