// Strict-Transport-Security: what counts, and what browsers ignore.
#include <gtest/gtest.h>

#include "probe/http/http_checks.h"
#include "tests/support/expect.h"

namespace cloister::probe {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

TEST(HstsTest, All) {
  const auto policy = value_of(parse_hsts("max-age=63072000; includeSubDomains; preload"));
  EXPECT_EQ(policy.max_age_seconds, 63'072'000U);
  EXPECT_TRUE(policy.subdomains);
  EXPECT_TRUE(policy.preload);
}

TEST(HstsTest, OtherSpellings) {
  EXPECT_EQ(value_of(parse_hsts(" MAX-AGE = \"60\" ;; x=y")).max_age_seconds, 60U);
  EXPECT_FALSE(value_of(parse_hsts("max-age=0")).subdomains);
}

TEST(HstsTest, NoMaxAge) { expect_refused(parse_hsts("includeSubDomains"), Code::kInvalid, "no max-age"); }
TEST(HstsTest, Empty) { expect_refused(parse_hsts(""), Code::kInvalid, "no max-age"); }
TEST(HstsTest, Twice) { expect_refused(parse_hsts("max-age=1; max-age=2"), Code::kInvalid, "twice"); }
TEST(HstsTest, NoNumber) { expect_refused(parse_hsts("max-age=1y"), Code::kInvalid, "no number"); }
TEST(HstsTest, NegativeNumber) { expect_refused(parse_hsts("max-age=-1"), Code::kInvalid, "no number"); }
TEST(HstsTest, NoValue) { expect_refused(parse_hsts("max-age"), Code::kInvalid, "no value"); }
TEST(HstsTest, TooLong) { expect_refused(parse_hsts(std::string(2000, 'a')), Code::kInvalid, "too long"); }

}  // namespace
}  // namespace cloister::probe
