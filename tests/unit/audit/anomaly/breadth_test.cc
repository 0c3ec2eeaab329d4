#include "audit/anomaly/breadth.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class Breadth : public AfterThreeWeeks {
 protected:
  // One DEK of each of so many datasets, during a working day.
  void read(int datasets) {
    stream.at(22, 9);
    for (int i = 0; i < datasets; ++i) {
      const std::string name = "corpus-" + std::to_string(i);
      UsageEvent event = stream.ada(name);
      event.dek_count = 1;
      stream.use(event);
      stream.ms += 5 * kMinute;
    }
  }
};

TEST_F(Breadth, ThirtyDatasetsWhereTwoAreUsual) {
  read(30);
  EXPECT_EQ(stream.count(Kind::kBreadth), 1);
  EXPECT_NE(stream.found[0].what.find("distinct datasets today"), std::string::npos);
  EXPECT_GE(stream.found[0].contributions[0].value, 12);
  EXPECT_LE(stream.found[0].contributions[0].value, 14);
}

TEST_F(Breadth, AFewMoreThanUsual) {
  read(10);
  expect_quiet();
}

TEST_F(Breadth, TheSameOnesAgainAndAgain) {
  for (int i = 0; i < 20; ++i) read(2);
  EXPECT_EQ(stream.count(Kind::kBreadth), 0);
}

TEST(BreadthOfANewcomer, IsJudgedByWhatTenantsOfItsKindDo) {
  Stream stream;
  stream.work(2);
  int read = 0;
  for (; read < 100 && stream.count(Kind::kBreadth) == 0; ++read) {
    const std::string name = "corpus-" + std::to_string(read);
    UsageEvent event = stream.ada(name);
    event.dek_count = 1;
    stream.use(event);
  }
  // 40, as exactly as the sketch counts.
  EXPECT_GT(read, 32);
  EXPECT_LT(read, 50);
}

}  // namespace
}  // namespace cloister::audit::anomaly
