#include "cloisterd/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace cloister::daemon {
namespace {

service::DecisionEvent event_of(std::string_view operation, audit::Outcome outcome, std::uint32_t keys) {
  service::DecisionEvent event;
  event.operation = operation;
  event.outcome = outcome;
  event.keys = keys;
  return event;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsByOperationAndOutcome) {
  Metrics metrics;
  metrics.decided(event_of("unwrap", audit::Outcome::kAllowed, 3));
  metrics.decided(event_of("unwrap", audit::Outcome::kAllowed, 4));
  metrics.decided(event_of("unwrap", audit::Outcome::kRefused, 5));
  metrics.decided(event_of("/v1/identity/enroll", audit::Outcome::kFailed, 0));
  const std::string text = metrics.text({});
  EXPECT_TRUE(has_line(text, R"(cloister_decisions_total{operation="unwrap",outcome="allowed"} 2)"));
  EXPECT_TRUE(has_line(text, R"(cloister_decisions_total{operation="unwrap",outcome="refused"} 1)"));
  EXPECT_TRUE(has_line(text, R"(cloister_decisions_total{operation="other",outcome="failed"} 1)"));
  EXPECT_TRUE(has_line(text, "cloister_keys_total 7"));
}

TEST(Metrics, LatencyIsCumulative) {
  Metrics metrics;
  Metrics::Now now;
  now.net.latency[0] = 1;
  now.net.latency[3] = 2;
  now.net.latency.back() = 4;
  now.net.latency_us_sum = 1'500'000;
  const std::string text = metrics.text(now);
  EXPECT_TRUE(has_line(text, R"(cloister_request_seconds_bucket{le="0.000001"} 1)"));
  EXPECT_TRUE(has_line(text, R"(cloister_request_seconds_bucket{le="0.000008"} 3)"));
  EXPECT_TRUE(has_line(text, R"(cloister_request_seconds_bucket{le="+Inf"} 7)"));
  EXPECT_TRUE(has_line(text, "cloister_request_seconds_sum 1.500000"));
  EXPECT_TRUE(has_line(text, "cloister_request_seconds_count 7"));
}

// Prometheus refuses a page with a family twice, or samples before their type.
TEST(Metrics, EachFamilyOnceAndTyped) {
  Metrics metrics;
  metrics.decided(event_of("wrap", audit::Outcome::kAllowed, 1));
  std::istringstream lines(metrics.text({}));
  std::set<std::string> typed;
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, kind, name;
    words >> first >> kind >> name;
    if (first == "#") {
      if (kind == "TYPE") {
        EXPECT_TRUE(typed.insert(name).second) << line;
      }
      last = name;
      continue;
    }
    EXPECT_TRUE(first.starts_with(last)) << line;
    EXPECT_TRUE(typed.contains(last)) << line;
  }
  EXPECT_GT(typed.size(), 20U);
}

}  // namespace
}  // namespace cloister::daemon
