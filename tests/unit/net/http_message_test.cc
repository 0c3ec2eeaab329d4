#include "net/http_message.h"

#include <gtest/gtest.h>

#include "net/address.h"
#include "net/counters.h"
#include "net/http_limits.h"

namespace cloister::net {
namespace {

TEST(Message, PartsOfATarget) {
  Request request;
  request.target = "/v1/seal?a=b?c";
  EXPECT_EQ(request.path(), "/v1/seal");
  EXPECT_EQ(request.query(), "a=b?c");
  request.target = "/v1";
  EXPECT_EQ(request.path(), "/v1");
  EXPECT_EQ(request.query(), "");
}

TEST(Message, HeadersByName) {
  const Headers headers{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(*headers.find("a"), "1");
  EXPECT_EQ(headers.find("c"), nullptr);
}

TEST(Message, ProblemsSayNoMoreThanTheyShould) {
  EXPECT_EQ(as_text(problem(404).body), R"({"type":"about:blank","title":"Not Found","status":404})");
  EXPECT_EQ(as_text(problem(400, "a \"quote\"\n").body),
            R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"a \"quote\""})");
  EXPECT_EQ(*problem(404).headers.find("content-type"), "application/problem+json");
}

TEST(Message, EveryCodeHasAStatus) {
  EXPECT_EQ(http_status(Code::kInvalid), 400U);
  EXPECT_EQ(http_status(Code::kCorrupt), 422U);
  EXPECT_EQ(http_status(Code::kDenied), 403U);
  EXPECT_EQ(http_status(Code::kNotFound), 404U);
  EXPECT_EQ(http_status(Code::kExists), 409U);
  EXPECT_EQ(http_status(Code::kExpired), 410U);
  EXPECT_EQ(http_status(Code::kUnsupported), 501U);
  EXPECT_EQ(http_status(Code::kUnavailable), 503U);
  EXPECT_EQ(http_status(Code::kInternal), 500U);
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

TEST(Addresses, Parsed) {
  const auto written = [](std::string_view text) {
    const auto address = parse_tcp_address(text);
    return address.ok() ? address->to_string() : "refused";
  };
  for (const std::string good : {"127.0.0.1:8443", "[::1]:8443", "keys.acme.test:1", "localhost:0"}) {
    EXPECT_EQ(written(good), good);
  }
  for (const std::string bad : {"", "localhost", ":8443", "localhost:", "localhost:65536", "localhost:-1", "::1:8443",
                                "[::1]", "[localhost]:1", "a b:1", "host:8443x", "[]:1"}) {
    EXPECT_EQ(written(bad), "refused") << bad;
  }
}

TEST(Addresses, Numeric) {
  EXPECT_EQ(numeric_address({"127.0.0.1", 80})->to_string(), "127.0.0.1:80");
  EXPECT_EQ(numeric_address({"::1", 80})->to_string(), "[::1]:80");
  EXPECT_EQ(numeric_address({"localhost", 80}).error().code(), Code::kInvalid);
  EXPECT_EQ(unix_address("").error().code(), Code::kInvalid);
  EXPECT_EQ(unix_address(std::string("a\0b", 3)).error().code(), Code::kInvalid);
  EXPECT_EQ(unix_address(std::string(108, 'a')).error().code(), Code::kInvalid);
  EXPECT_EQ(unix_address(std::string(107, 'a'))->to_string(), "unix");
}

TEST(LimitsCheck, NothingIsUnlimitedByAccident) {
  EXPECT_TRUE(Limits().check().ok());
  const auto refused = [](auto change) {
    Limits limits;
    change(limits);
    return !limits.check().ok();
  };
  EXPECT_TRUE(refused([](Limits& limits) { limits.connections = 0; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.requests_per_connection = 0; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.header_bytes = std::size_t{1} << 40; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.streams = 0; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.output_bytes = 0; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.body_bytes_in_flight = limits.body_bytes - 1; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.handshake_time = Duration{0}; }));
  EXPECT_TRUE(refused([](Limits& limits) { limits.write_time = Duration{-1}; }));
}

TEST(CountersOfAThread, AddUp) {
  CounterShard shard;
  CounterShard::add(shard.connections_accepted, 5);
  CounterShard::add(shard.connections_ended, 2);
  shard.refuse(Refusal::kFlood);
  shard.answered(200, 0);
  shard.answered(404, 1000);
  shard.answered(503, std::uint64_t{1} << 40);
  Counters sum;
  shard.add_to(sum);
  shard.add_to(sum);
  EXPECT_EQ(sum.connections_active, 6U);
  EXPECT_EQ(sum.refused_for(Refusal::kFlood), 2U);
  EXPECT_EQ(sum.responses_by_class[2], 2U);
  EXPECT_EQ(sum.responses_by_class[5], 2U);
  EXPECT_EQ(sum.latency[0], 2U);
  EXPECT_EQ(sum.latency[10], 2U);  // 512 to 1023 microseconds
  EXPECT_EQ(sum.latency[kLatencyBuckets - 1], 2U);
  EXPECT_EQ(refusal_name(Refusal::kUnfinished), "unfinished");
  EXPECT_EQ(refusal_name(Refusal::kTooManyConnections), "too-many-connections");
}

}  // namespace
}  // namespace cloister::net
