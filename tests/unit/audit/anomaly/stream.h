// A small stream of key usage for tests of single detectors: a tenant with steady habits, and whatever is put on top.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/anomaly/detector.h"

namespace cloister::audit::anomaly {

inline constexpr std::int64_t kMinute = 60'000, kHour = 3'600'000, kDay = 86'400'000;
inline constexpr std::string_view kServe = "spiffe://acme/ns/serve/sa/llm";
inline constexpr std::string_view kWriter = "spiffe://acme/ns/serve/sa/log-writer";
inline constexpr std::string_view kAda = "spiffe://acme/ns/people/sa/ada";

inline Detector detector_of(const Thresholds& thresholds = {}, const Limits& limits = {}) {
  auto detector = Detector::create(thresholds, limits, 42);
  CLOISTER_CHECK(detector.ok());
  return std::move(detector).value();
}

class Stream {
 public:
  explicit Stream(const Thresholds& thresholds = {}) : detector(detector_of(thresholds)) {}

  // An unwrap by the serving workload, allowed, of one DEK, now.
  UsageEvent event(Operation operation = Operation::kUnwrap) const {
    UsageEvent event;
    event.tenant = "acme";
    event.principal = kServe;
    event.operation = operation;
    event.key_id = "model";
    event.key_version = event.newest_version = 5;
    event.dataset = "weights";
    event.source = "10.0.0.1";
    event.region = "north";
    event.latency = Duration{3};
    return event;
  }

  // The findings of this one event; all are kept in `found`, too.
  std::vector<Finding> use(UsageEvent event) {
    event.time = Time{ms};
    event.audit_index = ++index;
    auto findings = detector.observe(event);
    found.insert(found.end(), findings.begin(), findings.end());
    return findings;
  }

  // Day and night: every hour the serving workload unwraps about 40 DEKs and the log writer wraps about 20; on weekdays
  // from 9 to 17 Ada unwraps a few DEKs of two datasets.
  void work(int days) {
    for (int hour = 0; hour < days * 24; ++hour) work_an_hour();
  }
  void work_an_hour() {
    const std::int64_t start = ms;
    const int jitter = static_cast<int>(start / kHour * 7 % 5);
    for (int i = 0; i < 18 + jitter; ++i) {
      ms = start + i * 150'000;
      UsageEvent serve = event();
      serve.dek_count = 2;
      if (ms < start + kHour) use(serve);
      if (i % 2 != 0) continue;
      UsageEvent wrap = event(Operation::kWrap);
      wrap.principal = kWriter;
      wrap.key_id = "logs";
      wrap.dek_count = 2;
      use(wrap);
    }
    const auto of_day = start / kHour % 24, weekday = (start / kDay + 3) % 7;
    if (weekday < 5 && of_day >= 9 && of_day < 17) use(ada(of_day % 2 == 0 ? "corpus-1" : "corpus-2"));
    ms = start + kHour;
  }
  UsageEvent ada(std::string_view dataset) const {
    UsageEvent event = this->event();
    event.principal = kAda;
    event.key_id = "corpus";
    event.dataset = dataset;
    event.dek_count = 4;
    event.source = "192.168.7.9";
    return event;
  }

  int count(Kind kind) const { return static_cast<int>(std::ranges::count(found, kind, &Finding::kind)); }
  const Finding& last() const { return found.back(); }
  // Monday 2026-01-05, 00:00 UTC, and this much later.
  void at(std::int64_t day, std::int64_t hour, std::int64_t minute = 0) {
    ms = kMonday + day * kDay + hour * kHour + minute * kMinute;
  }

  static constexpr std::int64_t kMonday = 1767571200000;
  Detector detector;
  std::int64_t ms = kMonday;
  std::uint64_t index = 0;
  std::vector<Finding> found;
};

// Three quiet weeks: what is found afterwards is the test's.
class AfterThreeWeeks : public ::testing::Test {
 protected:
  AfterThreeWeeks() {
    stream.work(21);
    EXPECT_TRUE(stream.found.empty()) << explain(stream.found[0]);
    stream.found.clear();
  }
  // The sentence must say what an operator needs to know.
  void expect_told(Kind kind, Severity severity, std::string_view word) {
    ASSERT_EQ(stream.count(kind), 1) << (stream.found.empty() ? "nothing was found" : explain(stream.found[0]));
    const Finding& finding = *std::ranges::find(stream.found, kind, &Finding::kind);
    EXPECT_EQ(finding.severity, severity) << explain(finding);
    EXPECT_NE(explain(finding).find(word), std::string::npos) << explain(finding);
    EXPECT_EQ(finding.tenant, "acme");
    EXPECT_FALSE(finding.contributions.empty());
    EXPECT_LE(finding.first_index, finding.last_index);
    EXPECT_EQ(finding.time, Time{stream.ms});
  }
  void expect_quiet() { EXPECT_TRUE(stream.found.empty()) << explain(stream.found[0]); }

  Stream stream;
};

}  // namespace cloister::audit::anomaly
