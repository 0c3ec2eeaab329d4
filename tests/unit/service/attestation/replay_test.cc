// What is signed about a replay: what was said on its day, and nothing where that doesn't hold up.
#include "service/attestation/replay.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::service {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kAsked{1'800'000'000'000};

// Of a release for an hour, decided again with the same findings.
Replay released() {
  Replay replay;
  replay.record.id = std::string(32, '7');
  replay.record.asked.now = kAsked;
  replay.record.asked.binding.role = "infer";
  replay.record.asked.binding.nonce = Bytes(32, 1);
  replay.record.found.decision.allowed = true;
  replay.record.found.decision.lease = hours(1);
  replay.policy_id = "attested-1";
  replay.kept = replay.found = "{}";
  return replay;
}

TEST(ReplayResult, SaysWhatWasSaidThen) {
  const attest::EarRequest result = value_of(result_of(released(), OnRecord::kYes));
  EXPECT_EQ(result.appraisal, attest::Appraisal::kAllowed);
  EXPECT_EQ(result.policy_id, "attested-1");
  EXPECT_EQ(result.nonce, Bytes(32, 1));
  EXPECT_EQ(result.issued, kAsked);
  EXPECT_EQ(result.lifetime, hours(1));
}

// The lease ended with the policy, and no result outlives it.
TEST(ReplayResult, PolicyEndsBeforeTheLease) {
  Replay replay = released();
  replay.record.found.decision.until = kAsked + minutes(10);
  EXPECT_EQ(value_of(result_of(replay, OnRecord::kYes)).lifetime, minutes(10));
  replay.record.found.decision.until = kAsked + hours(2);
  EXPECT_EQ(value_of(result_of(replay, OnRecord::kYes)).lifetime, hours(1));
}

TEST(ReplayResult, RefusalHasNoLease) {
  Replay replay = released();
  replay.record.found.decision = {};
  const attest::EarRequest result = value_of(result_of(replay, OnRecord::kYes));
  EXPECT_EQ(result.appraisal, attest::Appraisal::kRefused);
  EXPECT_EQ(result.lifetime, minutes(5));
}

TEST(ReplayResult, NotTheSameAsThen) {
  Replay replay = released();
  replay.found = "{ }";
  expect_refused(result_of(replay, OnRecord::kYes), Code::kCorrupt, "doesn't lead to what was decided");
}

TEST(ReplayResult, NotOnRecord) { expect_refused(result_of(released(), OnRecord::kNo), Code::kCorrupt, "no record"); }

}  // namespace
}  // namespace cloister::service
