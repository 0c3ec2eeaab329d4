// The tool that flips bytes itself: it must see a verifier that looks away.
#include "tests/support/flip.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace cloister::attest {
namespace {

using cloister::testing::as_good_as;
using cloister::testing::expect_every_flip_noticed;

const Evidence kEvidence{Kind::kSnp, {{"report", Bytes{1, 2, 3}}}};

Verdict judge_all_but_last(const Evidence& evidence) {
  Verdict verdict;
  const Bytes& report = evidence.parts.at("report");
  if (report[0] == 1 && report[1] == 2) {
    verdict.pass("signature");
  } else {
    verdict.fail("signature", Reason::kBadSignature, "changed");
  }
  return verdict;
}

Verdict judge_with_claim(const Evidence& evidence) {
  Verdict verdict = judge_all_but_last(evidence);
  verdict.claims["last"] = std::uint64_t{evidence.parts.at("report")[2]};
  return verdict;
}

TEST(Flip, UncoveredByteIsFoundUnlessItIsNamed) {
  EXPECT_NONFATAL_FAILURE(expect_every_flip_noticed(kEvidence, judge_all_but_last, {}, {1}), "report, byte 2");
  expect_every_flip_noticed(kEvidence, judge_all_but_last, {{"report", 2, 3, "isn't looked at"}});
}

TEST(Flip, NamedByteThatChangesClaimsIsFound) {
  EXPECT_NONFATAL_FAILURE(expect_every_flip_noticed(kEvidence, judge_with_claim, {{"report", 2, 3, ""}}, {1}),
                          "its claims changed");
}

TEST(Flip, RangeWhoseBytesAreCoveredIsFound) {
  EXPECT_NONFATAL_FAILURE(
      expect_every_flip_noticed(kEvidence, judge_all_but_last, {{"report", 0, 1, ""}, {"report", 2, 3, ""}}),
      "every change is seen");
}

TEST(Flip, FailureInsteadOfNotEvaluatedIsWorse) {
  Verdict before;
  before.skip("revocation", Reason::kRevocationUnknown, "no list");
  Verdict changed;
  changed.fail("revocation", Reason::kRevoked, "listed");
  EXPECT_FALSE(as_good_as(before, changed));
  EXPECT_TRUE(as_good_as(changed, changed));
}

}  // namespace
}  // namespace cloister::attest
