#include "audit/anomaly/places.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

using TwoPlaces = AfterThreeWeeks;

TEST_F(TwoPlaces, AnotherRegionWhileItIsAtWork) {
  UsageEvent event = stream.event();
  event.region = "south";
  stream.use(event);
  expect_told(Kind::kTwoPlaces, Severity::kHigh, "region south");
}

TEST_F(TwoPlaces, AnotherRegionAfterAPause) {
  stream.at(23, 11);
  UsageEvent event = stream.ada("corpus-1");
  event.region = "south";
  stream.use(event);
  expect_told(Kind::kTwoPlaces, Severity::kMedium, "region south");
}

TEST_F(TwoPlaces, TwoHostsInTurn) {
  for (int i = 0; i < 20; ++i) {
    UsageEvent event = stream.event();
    event.source = i % 2 == 0 ? "10.0.0.1" : "10.0.0.77";
    stream.use(event);
    stream.ms += 3 * kMinute;
  }
  stream.ms = stream.last().time.unix_ms;
  expect_told(Kind::kTwoPlaces, Severity::kMedium, "in turn");
}

TEST_F(TwoPlaces, ARestartOnAnotherHost) {
  for (int i = 0; i < 6; ++i) {
    UsageEvent event = stream.event();
    event.source = i % 2 == 0 ? "10.0.0.1" : "10.0.0.77";
    stream.use(event);
    stream.ms += 20'000;
  }
  for (int i = 0; i < 60; ++i) {
    UsageEvent event = stream.event();
    event.source = "10.0.0.77";
    stream.use(event);
    stream.ms += kMinute;
  }
  expect_quiet();
}

TEST_F(TwoPlaces, AStrangeNeighbourhood) {
  UsageEvent event = stream.event();
  event.source = "10.99.0.5";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kTwoPlaces), 1);
  event.source = "10.99.0.6";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kTwoPlaces), 1);
}

TEST(TwoPlacesOfManyReplicas, AreItsHabit) {
  Stream stream;
  for (int hour = 0; hour < 15 * 24; ++hour) {
    for (int i = 0; i < 12; ++i) {
      UsageEvent event = stream.event();
      event.source = i % 3 == 0 ? "10.0.0.1" : i % 3 == 1 ? "10.0.0.2" : "10.0.0.3";
      stream.use(event);
      stream.ms += 5 * kMinute;
    }
  }
  EXPECT_EQ(stream.count(Kind::kTwoPlaces), 0);
}

}  // namespace
}  // namespace cloister::audit::anomaly
