#include "audit/anomaly/destructive.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

class Destructive : public AfterThreeWeeks {
 protected:
  void act(Operation operation, std::string_view key = "", std::int64_t minutes = 1) {
    UsageEvent event = stream.event(operation);
    event.principal = kAda;
    event.key_id = key;
    event.source = "192.168.7.9";
    stream.ms += minutes * kMinute;
    stream.use(event);
  }
  Severity worst() const {
    Severity worst{};
    for (const Finding& finding : stream.found) {
      if (finding.kind == Kind::kDestructiveSequence) worst = std::max(worst, finding.severity);
    }
    return worst;
  }
};

TEST_F(Destructive, DisableCondemnAuditOff) {
  for (const char* key : {"model", "logs"}) act(Operation::kDisableKey, key);
  EXPECT_EQ(worst(), Severity{});
  for (const char* key : {"model", "logs"}) act(Operation::kScheduleDeletion, key);
  EXPECT_EQ(worst(), Severity::kHigh);
  act(Operation::kDisableAudit);
  EXPECT_EQ(worst(), Severity::kCritical);
}

TEST_F(Destructive, TheSameOverADay) {
  for (const char* key : {"model", "logs"}) act(Operation::kDisableKey, key, 240);
  for (const char* key : {"model", "logs"}) act(Operation::kScheduleDeletion, key, 240);
  act(Operation::kDisableAudit, "", 240);
  EXPECT_EQ(worst(), Severity::kCritical);
}

TEST_F(Destructive, InAnotherOrderTheKeysAreStillLost) {
  act(Operation::kDisableAudit);
  EXPECT_EQ(worst(), Severity::kHigh);
  act(Operation::kDestroyKey, "model");
  EXPECT_EQ(worst(), Severity::kCritical);
}

TEST_F(Destructive, ForeignMaterial) {
  act(Operation::kImportMaterial, "model");
  EXPECT_EQ(worst(), Severity{});
  act(Operation::kTrimVersions, "model");
  EXPECT_EQ(worst(), Severity::kHigh);
}

TEST_F(Destructive, RotatedAndCutOff) {
  for (const char* key : {"model", "logs", "corpus"}) act(Operation::kRotateKey, key);
  EXPECT_EQ(worst(), Severity{});
  act(Operation::kRaiseMinimumVersion, "model");
  EXPECT_EQ(worst(), Severity{});
  act(Operation::kRaiseMinimumVersion, "logs");
  EXPECT_EQ(worst(), Severity::kCritical);
}

TEST_F(Destructive, OrdinaryRotationAndCleaningUpDaysLater) {
  for (const char* key : {"model", "logs", "corpus"}) act(Operation::kRotateKey, key);
  stream.ms += 5 * kDay;
  for (const char* key : {"model", "logs", "corpus"}) act(Operation::kTrimVersions, key);
  EXPECT_EQ(worst(), Severity{});
}

TEST_F(Destructive, OneKeyRetired) {
  act(Operation::kDisableKey, "logs");
  act(Operation::kScheduleDeletion, "logs");
  EXPECT_EQ(worst(), Severity{});
}

TEST_F(Destructive, ThreeKeysAtOnce) {
  for (const char* key : {"model", "logs", "corpus"}) act(Operation::kScheduleDeletion, key);
  EXPECT_EQ(worst(), Severity::kHigh);
}

TEST_F(Destructive, TheSameKeyThreeTimes) {
  for (int i = 0; i < 3; ++i) act(Operation::kScheduleDeletion, "logs");
  EXPECT_EQ(worst(), Severity{});
}

TEST_F(Destructive, AKeyADay) {
  for (const char* key : {"a", "b", "c"}) act(Operation::kScheduleDeletion, key, 26 * 60);
  EXPECT_EQ(worst(), Severity{});
  act(Operation::kScheduleDeletion, "d", 26 * 60);
  EXPECT_EQ(worst(), Severity::kHigh);
}

TEST_F(Destructive, TwoAccomplices) {
  act(Operation::kScheduleDeletion, "model");
  act(Operation::kScheduleDeletion, "logs");
  UsageEvent event = stream.event(Operation::kScheduleDeletion);
  event.principal = kWriter;
  event.key_id = "corpus";
  stream.use(event);
  EXPECT_EQ(worst(), Severity::kHigh);
}

TEST_F(Destructive, WhatWasRefusedDestroysNothing) {
  for (const char* key : {"model", "logs", "corpus"}) {
    UsageEvent event = stream.event(Operation::kScheduleDeletion);
    event.key_id = key;
    event.outcome = UsageOutcome::kDenied;
    stream.use(event);
  }
  EXPECT_EQ(worst(), Severity{});
}

}  // namespace
}  // namespace cloister::audit::anomaly
