#include "audit/anomaly/key_life.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class KeyLifeWatched : public AfterThreeWeeks {
 protected:
  UsageEvent under(std::uint32_t version, std::uint32_t newest, Operation operation = Operation::kUnwrap) {
    UsageEvent event = stream.event(operation);
    event.key_version = version;
    event.newest_version = newest;
    return event;
  }
};

using StaleVersion = KeyLifeWatched;

TEST_F(StaleVersion, AnUnwrapFarBehind) {
  stream.use(under(2, 5));
  expect_told(Kind::kStaleVersion, Severity::kMedium, "version 2 of key model, whose newest is 5");
}

TEST_F(StaleVersion, OldObjectsAreNoNews) {
  stream.use(under(4, 5));
  stream.use(under(3, 5));
  stream.use(under(2, 5));
  expect_quiet();
}

TEST_F(StaleVersion, AWrapUnderAnOldVersion) {
  stream.use(under(6, 6));
  UsageEvent wrap = under(5, 6, Operation::kWrap);
  stream.use(wrap);
  expect_quiet();  // within the grace after the rotation
  stream.ms += 2 * kHour;
  stream.use(wrap);
  expect_told(Kind::kStaleVersion, Severity::kHigh, "wraps under version 5");
}

TEST_F(StaleVersion, NotKnownIsNotStale) {
  stream.use(under(0, 0));
  stream.use(under(0, 9));
  expect_quiet();
}

using DormantKey = KeyLifeWatched;

TEST_F(DormantKey, UnusedForWeeks) {
  UsageEvent event = stream.ada("corpus-1");
  stream.at(21 + 28, 10);
  stream.use(event);
  ASSERT_EQ(stream.count(Kind::kDormantKey), 1);
  EXPECT_NE(stream.found[0].what.find("for 30 days"), std::string::npos) << stream.found[0].what;
}

TEST_F(DormantKey, NeverUsedSinceWeLook) {
  UsageEvent event = stream.event();
  event.key_id = "archive";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kDormantKey), 1);
}

TEST_F(DormantKey, JustCreated) {
  UsageEvent create = stream.event(Operation::kCreateKey);
  create.key_id = "model-2";
  stream.use(create);
  UsageEvent event = stream.event();
  event.key_id = "model-2";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kDormantKey), 0);
}

TEST_F(DormantKey, FlaggedForDeletion) {
  stream.use(stream.event(Operation::kScheduleDeletion));
  stream.found.clear();
  stream.use(stream.event());
  expect_told(Kind::kDormantKey, Severity::kHigh, "flagged for deletion");
}

TEST_F(DormantKey, FlaggedAndRefusedStillSaysThatSomebodyNeedsIt) {
  stream.use(stream.event(Operation::kScheduleDeletion));
  stream.found.clear();
  UsageEvent event = stream.event();
  event.outcome = UsageOutcome::kDenied;
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kDormantKey), 1);
  EXPECT_EQ(stream.last().severity, Severity::kMedium);
}

TEST_F(DormantKey, DeletionCancelled) {
  stream.use(stream.event(Operation::kScheduleDeletion));
  stream.use(stream.event(Operation::kCancelDeletion));
  stream.found.clear();
  stream.use(stream.event());
  expect_quiet();
}

TEST_F(DormantKey, FlaggedAsItsProviderSays) {
  KeyFacts facts;
  facts.time = Time{stream.ms};
  facts.tenant = "acme";
  facts.key_id = "model";
  facts.flagged_for_deletion = true;
  stream.detector.observe(facts);
  stream.use(stream.event());
  EXPECT_EQ(stream.count(Kind::kDormantKey), 1);
}

using UsageLimit = KeyLifeWatched;

TEST_F(UsageLimit, HalfThreeQuartersAndNineTenths) {
  UsageEvent wrap = under(5, 5, Operation::kWrap);
  wrap.dek_count = 1U << 31;
  stream.use(wrap);
  expect_told(Kind::kUsageLimit, Severity::kLow, "rotate it");
  stream.found.clear();
  wrap.dek_count = 1U << 30;
  stream.use(wrap);
  expect_told(Kind::kUsageLimit, Severity::kMedium, "75");
  stream.found.clear();
  stream.use(wrap);
  expect_told(Kind::kUsageLimit, Severity::kHigh, "100");
  stream.found.clear();
  stream.use(wrap);
  expect_quiet();
}

TEST_F(UsageLimit, ARotationStartsOver) {
  UsageEvent wrap = under(5, 5, Operation::kWrap);
  wrap.dek_count = 1U << 30;
  stream.use(wrap);
  wrap.key_version = wrap.newest_version = 6;
  stream.use(wrap);
  expect_quiet();
  stream.use(wrap);
  EXPECT_EQ(stream.count(Kind::kUsageLimit), 1);
}

TEST_F(UsageLimit, Exports) {
  for (int i = 0; i < 7; ++i) stream.use(under(5, 5, Operation::kExportKey));
  EXPECT_EQ(stream.count(Kind::kUsageLimit), 0);
  stream.use(under(5, 5, Operation::kExportKey));
  EXPECT_EQ(stream.count(Kind::kUsageLimit), 1);
}

}  // namespace
}  // namespace cloister::audit::anomaly
