#include "audit/anomaly/log_watch.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class LogTampering : public AfterThreeWeeks {
 protected:
  std::vector<Finding> head(std::uint64_t size, std::string_view root) {
    return stream.detector.observe(LogHead{Time{stream.ms}, "acme", size, root});
  }
};

TEST_F(LogTampering, RecordsAreMissing) {
  stream.index += 3;
  stream.use(stream.event());
  expect_told(Kind::kLogTampering, Severity::kHigh, "are missing");
  EXPECT_TRUE(stream.last().principal.empty());
  EXPECT_EQ(stream.last().score, 3);
}

TEST_F(LogTampering, ARecordComesAgain) {
  stream.index -= 1;
  stream.use(stream.event());
  expect_told(Kind::kLogTampering, Severity::kCritical, "comes after record");
}

TEST_F(LogTampering, TheClockGoesBack) {
  stream.use(stream.event());
  stream.ms -= 30 * kMinute;
  stream.use(stream.event());
  EXPECT_EQ(stream.count(Kind::kLogTampering), 1);
  EXPECT_EQ(stream.last().severity, Severity::kMedium);
  EXPECT_NE(stream.last().what.find("1800 seconds"), std::string::npos) << stream.last().what;
}

TEST_F(LogTampering, ByADay) {
  stream.ms -= kDay;
  stream.use(stream.event());
  EXPECT_EQ(stream.last().severity, Severity::kHigh);
}

TEST_F(LogTampering, AMomentOutOfOrderIsNoNews) {
  stream.use(stream.event());
  stream.ms -= 2000;
  stream.use(stream.event());
  expect_quiet();
}

TEST_F(LogTampering, OtherRecordsCountToo) {
  stream.use(stream.event(Operation::kOther));
  stream.use(stream.event());
  expect_quiet();
  stream.index += 1;
  stream.use(stream.event(Operation::kOther));
  EXPECT_EQ(stream.count(Kind::kLogTampering), 1);
}

TEST_F(LogTampering, WithoutAnIndexNothingIsSaid) {
  UsageEvent event = stream.event();
  event.time = Time{stream.ms};
  EXPECT_TRUE(stream.detector.observe(event).empty());
}

TEST_F(LogTampering, AnotherTenantsIndexIsItsOwn) {
  UsageEvent event = stream.event();
  event.tenant = "umbrella";
  event.time = Time{stream.ms};
  event.audit_index = 7;
  EXPECT_TRUE(stream.detector.observe(event).empty());
}

TEST(LogIndicesForReference, GapsAndRepetitionsAreNoNewsAForkIs) {
  Thresholds thresholds;
  thresholds.log_indices = LogIndices::kReference;
  Stream stream(thresholds);
  for (const std::uint64_t index : {7U, 3U, 3U, 900U}) {
    stream.index = index;
    EXPECT_TRUE(stream.use(stream.event()).empty());
  }
  EXPECT_TRUE(stream.detector.observe(LogHead{Time{stream.ms}, "acme", 9, "root-a"}).empty());
  EXPECT_EQ(stream.detector.observe(LogHead{Time{stream.ms}, "acme", 9, "root-b"}).size(), 1U);
}

TEST_F(LogTampering, AForkedLog) {
  EXPECT_TRUE(head(100, "root-a").empty());
  EXPECT_TRUE(head(100, "root-a").empty());
  EXPECT_TRUE(head(200, "root-b").empty());
  const auto findings = head(200, "root-c");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kind, Kind::kLogTampering);
  EXPECT_EQ(findings[0].severity, Severity::kCritical);
}

TEST_F(LogTampering, AShrunkenLog) {
  EXPECT_TRUE(head(100, "root-a").empty());
  const auto findings = head(99, "root-b");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].what.find("shrank from 100 to 99"), std::string::npos) << findings[0].what;
}

}  // namespace
}  // namespace cloister::audit::anomaly
