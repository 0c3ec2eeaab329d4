#include "kms/retry.h"

#include "tests/support/expect.h"
#include "tests/support/recorded_transport.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;

Verdict judge(const net::Response& response) {
  using Kind = Verdict::Kind;
  if (response.status == 429) {
    const std::string* after = response.headers.find("retry-after");
    return {Kind::kRetry, after == nullptr ? std::nullopt : std::optional<Duration>(seconds(std::stoi(*after)))};
  }
  if (response.status >= 500) return {Kind::kRetry, {}};
  return {response.status == 401 ? Kind::kRenew : Kind::kFinal, {}};
}

class Retry : public ::testing::Test {
 protected:
  Result<net::Response> run() { return RetryingCall{rules_, budget_, waiting_, transport_, make(), judge}.run(); }
  Result<net::Response> run(std::function<Status(const net::Response&)> renew) {
    return RetryingCall{rules_, budget_, waiting_, transport_, make(), judge, std::move(renew)}.run();
  }
  std::function<Result<net::Request>()> make() {
    return [this]() -> Result<net::Request> {
      net::Request request;
      request.method = "POST";
      request.target = "/";
      request.headers.add("attempt", std::to_string(++made_));
      return request;
    };
  }
  void answer(unsigned status, net::Headers headers = {}) { transport_.expect("POST", "/", status, "", headers); }
  std::vector<std::int64_t> waits() const {
    std::vector<std::int64_t> all;
    for (const Duration wait : time_.slept) all.push_back(wait.ms);
    return all;
  }

  testing::RecordedTransport transport_;
  testing::TestWaiting time_;
  const Waiting waiting_ = time_.waiting();
  RetryRules rules_;
  RetryBudget budget_;
  int made_ = 0;
};

using Waits = std::vector<std::int64_t>;

TEST_F(Retry, AnswerAtOnce) {
  answer(200);
  EXPECT_EQ(run()->status, 200U);
  EXPECT_TRUE(waits().empty());
}

TEST_F(Retry, RefusalIsFinal) {
  answer(400);
  EXPECT_EQ(run()->status, 400U);
  EXPECT_EQ(transport_.sent().size(), 1U);
}

TEST_F(Retry, WaitsLongerEachTimeWithJitter) {
  for (int i = 0; i < 3; ++i) answer(503);
  answer(200);
  EXPECT_EQ(run()->status, 200U);
  EXPECT_EQ(waits(), (Waits{50, 100, 200}));
  EXPECT_EQ(transport_.sent().back().header("attempt"), "4") << "a request is made anew for each attempt";
}

TEST_F(Retry, GivesUpAfterItsAttempts) {
  for (int i = 0; i < 4; ++i) answer(500);
  EXPECT_EQ(run()->status, 500U);
  EXPECT_EQ(transport_.left(), 0U);
}

TEST_F(Retry, BackOffIsBounded) {
  rules_.attempts = 12;
  rules_.longest = seconds(1);
  time_.random = 0.999;
  for (int i = 0; i < 12; ++i) answer(500);
  ASSERT_TRUE(run().ok());
  for (const Duration wait : time_.slept) EXPECT_LT(wait, seconds(1));
}

TEST_F(Retry, TheProvidersWordForTheWait) {
  answer(429, {{"retry-after", "7"}});
  answer(200);
  EXPECT_EQ(run()->status, 200U);
  EXPECT_EQ(waits(), Waits{7000});
}

TEST_F(Retry, WaitBeyondTheTimeInAll) {
  answer(429, {{"retry-after", "3600"}});
  EXPECT_EQ(run()->status, 429U);
  EXPECT_TRUE(waits().empty());
}

TEST_F(Retry, OutOfReach) {
  for (int i = 0; i < 4; ++i) transport_.expect_failure("POST", "/", Error(Code::kUnavailable, "no answer in time"));
  expect_refused(run(), Code::kUnavailable, "no answer in time");
}

TEST_F(Retry, AnotherServerIsNotAskedAgain) {
  transport_.expect_failure("POST", "/", Error(Code::kDenied, "the server is someone else"));
  expect_refused(run(), Code::kDenied, "someone else");
}

TEST_F(Retry, RenewsOnce) {
  answer(401);
  answer(200);
  int renewed = 0;
  const auto renew = [&](const net::Response&) {
    ++renewed;
    return Status();
  };
  EXPECT_EQ(run(renew)->status, 200U);
  answer(401);
  answer(401);
  EXPECT_EQ(run(renew)->status, 401U);
  EXPECT_EQ(renewed, 2);
  EXPECT_TRUE(waits().empty());
}

TEST_F(Retry, RenewalThatFails) {
  answer(401);
  expect_refused(run([](const net::Response&) { return Status(Error(Code::kDenied, "no credential")); }), Code::kDenied,
                 "no credential");
}

TEST_F(Retry, NothingToRenew) {
  answer(401);
  EXPECT_EQ(run()->status, 401U);
}

TEST_F(Retry, EmptyBudgetStopsRetries) {
  while (budget_.take()) {
  }
  answer(500);
  EXPECT_EQ(run()->status, 500U);
  EXPECT_EQ(transport_.left(), 0U);
}

TEST_F(Retry, BudgetOfADeadProviderRunsOut) {
  RetryBudget small(20);
  int attempts = 0;
  testing::FunctionTransport dead([&](const net::Request&) -> Result<net::Response> {
    ++attempts;
    return Error(Code::kUnavailable, "dead");
  });
  for (int call = 0; call < 10; ++call) {
    expect_refused(RetryingCall{rules_, small, waiting_, dead, make(), judge}.run(), Code::kUnavailable, "dead");
  }
  EXPECT_EQ(attempts, 10 + 4);
}

TEST_F(Retry, RequestThatCannotBeMade) {
  const auto no_request = []() -> Result<net::Request> { return Error(Code::kDenied, "no credential"); };
  expect_refused(RetryingCall{rules_, budget_, waiting_, transport_, no_request, judge}.run(), Code::kDenied,
                 "no credential");
}

}  // namespace
}  // namespace cloister::kms
