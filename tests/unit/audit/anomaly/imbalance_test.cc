#include "audit/anomaly/imbalance.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class Imbalance : public AfterThreeWeeks {
 protected:
  void read_logs(int deks) {
    for (int i = 0; i < deks; i += 10) {
      UsageEvent event = stream.event();
      event.principal = kWriter;
      event.key_id = "logs";
      event.dek_count = 10;
      stream.use(event);
      stream.ms += kMinute;
    }
  }
};

TEST_F(Imbalance, LogsThatAreOnlyWrittenAreReadInBulk) {
  stream.at(21, 23);
  read_logs(800);
  ASSERT_EQ(stream.count(Kind::kImbalance), 1);
  const auto finding = std::ranges::find(stream.found, Kind::kImbalance, &Finding::kind);
  EXPECT_NE(finding->what.find("key logs"), std::string::npos) << finding->what;
  EXPECT_EQ(finding->contributions[0].expected < finding->contributions[0].value, true);
}

TEST_F(Imbalance, ALookIntoTheLogs) {
  read_logs(50);
  EXPECT_EQ(stream.count(Kind::kImbalance), 0);
}

TEST_F(Imbalance, AKeyThatIsOnlyReadSaysNothing) {
  for (int i = 0; i < 30; ++i) stream.use(stream.event());
  EXPECT_EQ(stream.count(Kind::kImbalance), 0);
}

}  // namespace
}  // namespace cloister::audit::anomaly
