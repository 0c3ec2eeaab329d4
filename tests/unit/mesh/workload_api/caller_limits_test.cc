#include "mesh/workload_api/caller_limits.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;
using Permits = std::vector<std::unique_ptr<CallerLimits::Permit>>;

constexpr Time kBegin{1'000'000};

net::UnixPeer caller(pid_t pid, uid_t uid = 1000) { return {pid, uid, 1000, nullptr}; }

TEST(CallerLimits, AProcessThatCallsTooOften) {
  CallerLimits limits({.process = {2, 3, 10}, .user = {100, 100, 100}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.begin(caller(1), kBegin).ok());
  expect_refused(limits.begin(caller(1), kBegin), Code::kUnavailable, "process calls too often");
  EXPECT_TRUE(limits.begin(caller(2), kBegin).ok());
  EXPECT_TRUE(limits.begin(caller(1), kBegin + Duration{500}).ok());
  expect_refused(limits.begin(caller(1), kBegin + Duration{500}), Code::kUnavailable, "too often");
}

TEST(CallerLimits, ManyProcessesOfOneUser) {
  CallerLimits limits({.process = {2, 3, 10}, .user = {1, 4, 100}});
  for (pid_t pid = 1; pid <= 4; ++pid) EXPECT_TRUE(limits.begin(caller(pid), kBegin).ok());
  expect_refused(limits.begin(caller(5), kBegin), Code::kUnavailable, "user calls too often");
  EXPECT_TRUE(limits.begin(caller(6, 1001), kBegin).ok());
}

TEST(CallerLimits, TooManyOpenAndOneCloses) {
  CallerLimits limits({.process = {100, 100, 2}, .user = {100, 100, 3}});
  Permits permits;
  permits.push_back(value_of(limits.begin(caller(1), kBegin)));
  permits.push_back(value_of(limits.begin(caller(1), kBegin)));
  expect_refused(limits.begin(caller(1), kBegin), Code::kDenied, "process has too many");
  permits.push_back(value_of(limits.begin(caller(2), kBegin)));
  expect_refused(limits.begin(caller(2), kBegin), Code::kDenied, "user has too many");
  permits.pop_back();
  EXPECT_TRUE(limits.begin(caller(2), kBegin).ok());
}

TEST(CallerLimits, AClockThatGoesBackGivesNothing) {
  CallerLimits limits({.process = {1, 1, 10}, .user = {100, 100, 100}});
  EXPECT_TRUE(limits.begin(caller(1), kBegin).ok());
  expect_refused(limits.begin(caller(1), kBegin + hours(-1)), Code::kUnavailable, "too often");
}

TEST(CallerLimits, ProcessesThatWereHereOnceAreForgotten) {
  CallerLimits limits({.process = {10, 10, 2}, .user = {1e6, 1e6, 100}});
  const auto held = value_of(limits.begin(caller(1), kBegin));
  for (pid_t pid = 2; pid < 20'000; ++pid) {
    ASSERT_TRUE(limits.begin(caller(pid), Time{kBegin.unix_ms + pid}).ok());
  }
  EXPECT_LT(limits.size(), 3000U);
}

TEST(CallerLimits, APermitOutlivesTheLimits) {
  std::unique_ptr<CallerLimits::Permit> permit;
  {
    CallerLimits limits;
    permit = value_of(limits.begin(caller(1), kBegin));
  }
  permit = nullptr;
}

}  // namespace
}  // namespace cloister::mesh
