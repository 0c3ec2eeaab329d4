// What holds for all detectors together: one finding for one thing, tenants apart, memory bounded, the same twice.
#include "audit/anomaly/detector.h"

#include "audit/anomaly/tenant_state.h"
#include "tests/support/usage_world.h"
#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

using Findings = AfterThreeWeeks;

TEST_F(Findings, AreToldOnceUntilTheyStopForADay) {
  UsageEvent event = stream.event();
  event.outcome = UsageOutcome::kWrongTenant;
  const auto told = [&] { return stream.use(event).size(); };
  EXPECT_EQ(told(), 1U);
  EXPECT_EQ(told(), 0U);
  stream.ms += 23 * kHour;
  EXPECT_EQ(told(), 1U);  // the third is critical
  stream.ms += 23 * kHour;
  EXPECT_EQ(told(), 0U);
  stream.ms += 25 * kHour;
  EXPECT_EQ(told(), 1U);
  EXPECT_EQ(stream.last().held_back, 1U);
  EXPECT_EQ(stream.last().severity, Severity::kHigh);
}

TEST_F(Findings, AreToldAgainAfterAWeekOfIt) {
  UsageEvent event = stream.event();
  event.outcome = UsageOutcome::kWrongTenant;
  int told = 0;
  for (int hour = 0; hour < 20 * 24; hour += 12) {
    told += static_cast<int>(stream.use(event).size());
    stream.ms += 12 * kHour;
  }
  EXPECT_GE(told, 3);
  EXPECT_LE(told, 4);
}

TEST_F(Findings, OfOnePrincipalDontHideAnothers) {
  UsageEvent event = stream.event();
  event.outcome = UsageOutcome::kWrongTenant;
  EXPECT_EQ(stream.use(event).size(), 1U);
  event.principal = kAda;
  EXPECT_EQ(stream.use(event).size(), 1U);
}

TEST_F(Findings, NamesFromOutsideAreMadePrintable) {
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/\x1b[2J";
  event.key_id = "key\r\n";
  event.outcome = UsageOutcome::kWrongTenant;
  const auto findings = stream.use(event);
  ASSERT_EQ(findings.size(), 1U);
  for (const char character : explain(findings[0])) EXPECT_GE(character, 0x20);
}

TEST(Tenants, DontPushEachOtherOut) {
  Limits limits;
  limits.principals = 4;
  limits.keys = 4;
  limits.series = 4;
  Detector detector = detector_of({}, limits);
  UsageEvent event;
  event.operation = Operation::kUnwrap;
  event.time = Time{Stream::kMonday};
  event.tenant = "acme";
  event.principal = kServe;
  event.key_id = "model";
  detector.observe(event);
  event.tenant = "umbrella";
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "workload" + std::string(static_cast<std::size_t>(i % 97), 'x') + std::to_string(i);
    event.principal = name;
    event.key_id = name;
    detector.observe(event);
  }
  const auto counts = detector.counts();
  EXPECT_EQ(counts.tenants, 2U);
  EXPECT_EQ(counts.principals, 5U);
  EXPECT_EQ(counts.keys, 5U);
  EXPECT_EQ(counts.series, 5U);
  EXPECT_GT(counts.evictions, 0U);
}

TEST(Memory, IsBoundedWhateverComes) {
  Limits limits;
  limits.tenants = 3;
  limits.principals = limits.families = limits.keys = limits.series = limits.seen = 8;
  limits.jobs = limits.measurements = limits.open = 8;
  Detector detector = detector_of({}, limits);
  testing::SimRandom random(3);
  std::size_t largest = 0;
  for (int i = 0; i < 20000; ++i) {
    UsageEvent event;
    const auto text = [&random] {
      return std::string(static_cast<std::size_t>(random.below(40)), char(random.below(256)));
    };
    const std::string tenant = text(), principal = text(), key = text(), source = text(), job = text();
    event.time = Time{static_cast<std::int64_t>(random.next() >> random.below(64))};
    event.tenant = tenant;
    event.principal = principal;
    event.key_id = key;
    event.dataset = job;
    event.source = event.region = source;
    event.measurement = key;
    event.job_id = job;
    event.operation = static_cast<Operation>(random.below(static_cast<int>(kOperations)));
    event.outcome = static_cast<UsageOutcome>(random.below(7));
    event.dek_count = static_cast<std::uint32_t>(random.next());
    event.key_version = static_cast<std::uint32_t>(random.below(9));
    event.newest_version = static_cast<std::uint32_t>(random.next() >> random.below(64));
    event.throttled = random.chance(0.2);
    event.latency = Duration{static_cast<std::int64_t>(random.next())};
    event.audit_index = random.next() >> random.below(64);
    for (const Finding& finding : detector.observe(event)) EXPECT_FALSE(explain(finding).empty());
    ignore_result(
        detector.plan_job(tenant, {job, principal, key, random.next(), event.time, Time{event.time.unix_ms}}));
    detector.allow_measurement(tenant, source);
    if (i % 1000 != 0) continue;
    const Bytes bytes = detector.snapshot();
    largest = std::max(largest, bytes.size());
    const auto restored = Detector::restore(bytes, {}, limits);
    ASSERT_TRUE(restored.ok()) << restored.error().message();
    ASSERT_EQ(restored.value().snapshot(), bytes);
  }
  EXPECT_LE(detector.counts().tenants, 3U);
  EXPECT_LE(largest, 3 * 8 * (sizeof(Principal) + sizeof(Family) + sizeof(KeyState) + sizeof(RateSeries) + 500));
}

TEST(Memory, IsAtMostWhatTheLimitsSay) {
  Limits limits;
  const std::size_t all = Detector::memory_max(limits);
  EXPECT_LT(all, std::size_t{360} << 20);  // docs/anomalies.md
  limits.tenants /= 2;
  EXPECT_LT(Detector::memory_max(limits), all * 51 / 100);
  limits.series *= 2;
  EXPECT_GT(Detector::memory_max(limits), all / 2 + limits.tenants * 512 * sizeof(RateSeries));
}

// The bounds that docs/anomalies.md states.
TEST(Memory, EntriesAreAsSmallAsTheDocumentsSay) {
  EXPECT_LE(sizeof(Principal), 750U);
  EXPECT_LE(sizeof(Family), 450U);
  EXPECT_LE(sizeof(KeyState), 200U);
  EXPECT_LE(sizeof(RateSeries), 1500U);
  EXPECT_LE(sizeof(JobState), 64U);
  EXPECT_LE(sizeof(OpenFinding), 40U);
}

class Told final : public testing::UsageSink {
 public:
  void use(const UsageEvent& event, int) override {
    for (const Finding& finding : detector.observe(event)) told.push_back(to_rfc3339(finding.time) + explain(finding));
  }
  void plan(std::string_view tenant, const PlannedJob& job) override {
    ASSERT_TRUE(detector.plan_job(tenant, job).ok());
  }
  void allow(std::string_view tenant, std::string_view measurement) override {
    detector.allow_measurement(tenant, measurement);
  }
  Detector detector = detector_of();
  std::vector<std::string> told;
};

TEST(FindingsOfAWorld, AreTheSameTwice) {
  testing::WorldOptions options;
  options.weeks = 4;
  Told first, second;
  for (Told* told : {&first, &second}) testing::UsageWorld(3, options).run(*told);
  EXPECT_FALSE(first.told.empty());
  EXPECT_EQ(first.told, second.told);
}

}  // namespace
}  // namespace cloister::audit::anomaly
