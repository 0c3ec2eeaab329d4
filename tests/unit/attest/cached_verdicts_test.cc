// Verdicts with a cache of what was verified before are the verdicts without one, whatever was verified before.
#include <gtest/gtest.h>

#include "attest/verifier.h"
#include "tests/support/simulated_intel.h"
#include "tests/support/simulated_nitro.h"
#include "tests/support/simulated_nvidia.h"
#include "tests/support/simulated_snp.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

constexpr std::size_t kStride = 97;  // of the bytes that are changed in turn

// Everything that a question was answered with, to be changed a byte at a time.
struct Case {
  Evidence evidence;
  Collateral collateral;
  Anchors anchors;
  Question question;

  Verdict judged(const Evidence& changed, const Collateral& with, crypto::VerificationCache* cache, Time now) const {
    Question asked = question;
    asked.collateral = &with;
    asked.anchors = &anchors;
    asked.cache = cache;
    asked.now = now;
    return verify(changed, asked);
  }
};

// Both judge the good evidence first, so that everything of it is in the cache.
void expect_same_verdicts(const Case& given) {
  crypto::VerificationCache cache;
  const Verdict good = given.judged(given.evidence, given.collateral, nullptr, given.question.now);
  ASSERT_TRUE(good.sound()) << good.first_problem()->name << ": " << good.first_problem()->detail;
  const auto expect_same = [&](const Evidence& evidence, const Collateral& collateral, Time now) {
    const Verdict alone = given.judged(evidence, collateral, nullptr, now);
    EXPECT_EQ(given.judged(evidence, collateral, &cache, now), alone);
  };
  for (int round = 0; round < 2; ++round) expect_same(given.evidence, given.collateral, given.question.now);
  for (const int later : {-4000, -2, 2, 40, 4000}) {
    expect_same(given.evidence, given.collateral, given.question.now + days(later));
  }
  for (const auto& [name, part] : given.evidence.parts) {
    for (std::size_t at = 0; at < part.size(); at += kStride) {
      Evidence changed = given.evidence;
      changed.parts.at(name)[at] ^= 1;
      expect_same(changed, given.collateral, given.question.now);
    }
  }
  for (const auto& [name, item] : given.collateral.items()) {
    for (std::size_t at = 0; at < item.body.size(); at += kStride) {
      CollateralItem changed = item;
      changed.body[at] ^= 1;
      Collateral with = given.collateral;
      with.add(std::move(changed));
      expect_same(given.evidence, with, given.question.now);
    }
  }
  expect_same(given.evidence, {}, given.question.now);
}

TEST(CachedVerdicts, OfQuotesOfIntel) {
  for (const Kind kind : {Kind::kSgx, Kind::kTdx}) {
    SimulatedIntel platform(kind, kind == Kind::kSgx ? 3 : 4);
    const Collateral collateral = platform.collateral();
    const Anchors anchors = platform.anchors();
    expect_same_verdicts({platform.evidence(), collateral, anchors, platform.question(collateral, anchors)});
  }
}

TEST(CachedVerdicts, OfReportsOfSnp) {
  SimulatedAmd amd;
  const auto asked = snp_question(amd);
  expect_same_verdicts({amd.snp(), asked->collateral, asked->anchors, asked->question});
}

TEST(CachedVerdicts, OfGpus) {
  const SimulatedGpu gpu;
  expect_same_verdicts({gpu.evidence(), gpu.collateral, gpu.anchors, gpu.question()});
}

TEST(CachedVerdicts, OfEnclavesOfNitro) {
  SimulatedNitro nitro;
  const Question question{kNow, Bytes(64, 0x5A)};
  expect_same_verdicts({nitro.document(), {}, nitro.anchors(), question});
}

TEST(CachedVerdicts, CollateralBringsItsOwn) {
  SimulatedIntel platform(Kind::kSgx, 3);
  Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  const Verdict alone = verify(platform.evidence(), platform.question(collateral, anchors));
  const auto cache = std::make_shared<crypto::VerificationCache>();
  collateral.remember_in(cache);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(verify(platform.evidence(), platform.question(collateral, anchors)), alone);
  }
  const CollateralItem& list = *collateral.find(CollateralKind::kIntelCrl, "root");
  EXPECT_NE(cache->find<crypto::RevocationList>(crypto::sha256(list.body)), nullptr);
}

// What was found to be good under one question's roots says nothing under another's.
TEST(CachedVerdicts, OtherRoots) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  Question question = platform.question(collateral, anchors);
  crypto::VerificationCache cache;
  question.cache = &cache;
  ASSERT_TRUE(verify(platform.evidence(), question).sound());
  question.anchors = &Anchors::production();
  const Verdict verdict = verify(platform.evidence(), question);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_EQ(verdict.find("certificate-chain")->reason, Reason::kUntrustedRoot);
}

}  // namespace
}  // namespace cloister::attest
