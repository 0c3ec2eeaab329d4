#include "posture/report/json.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/expect.h"
#include "tests/support/sample_posture.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

TEST(ReportJson, ThereAndBack) {
  for (const Posture& posture : {testing::sample_before(), testing::sample_after()}) {
    const StoredReport kept = stored(posture);
    for (const std::string& text : {report_json(posture), verdicts_json(posture)}) {
      const StoredReport read = value_of(parse_report(text));
      EXPECT_EQ(read.controls, kept.controls);
      EXPECT_EQ(read.verdicts.size(), kept.verdicts.size());
      EXPECT_EQ(read.point.run, kept.point.run);
      EXPECT_EQ(read.point.overall, kept.point.overall);
      EXPECT_EQ(read.point.domains, kept.point.domains);
      EXPECT_EQ(read.point.score.lower, kept.point.score.lower);
      EXPECT_EQ(read.point.coverage_permille, kept.point.coverage_permille);
      EXPECT_EQ(read.point.pass, kept.point.pass);
      EXPECT_EQ(read.point.not_assessed, kept.point.not_assessed);
    }
  }
}

TEST(ReportJson, HistoryThereAndBack) {
  const Posture posture = testing::sample_after();
  const StoredHistory history = value_of(parse_history(history_json(posture)));
  ASSERT_EQ(history.trend.size(), posture.trend.size());
  EXPECT_EQ(history.changes.size(), posture.changes.size());
  Posture again = posture;
  again.trend = history.trend;
  again.changes = history.changes;
  EXPECT_EQ(history_json(again), history_json(posture));
}

TEST(ReportJson, IsJsonWhateverNamesAreInIt) {
  const std::string text = report_json(testing::sample_before());
  const JsonValue json = value_of(parse_json(text, {std::size_t{64} << 20, 16, 10'000'000}));
  ASSERT_NE(json.find("facts"), nullptr);
  EXPECT_EQ(json.find("facts")->array()->size(), testing::sample_before().facts.size());
}

TEST(ReportJson, NoReport) {
  const std::string good = verdicts_json(testing::sample_before());
  expect_refused(parse_report("{}"), Code::kInvalid, "format");
  expect_refused(parse_report("[]"), Code::kInvalid, "format");
  for (const std::string_view from :
       {"\"overall\":\"", "\"lower\":", "\"permille\":", "\"subject_kind\":\"", "\"at_rest\""}) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), std::string(from) + "9999999");
    EXPECT_FALSE(parse_report(bad).ok()) << from;
  }
  expect_refused(parse_history("{\"trend\":[{}],\"changes\":[]}"), Code::kInvalid, "run");
  EXPECT_FALSE(parse_status("passed").ok());
  EXPECT_FALSE(parse_reached("Excellent").ok());
}

}  // namespace
}  // namespace cloister::posture
