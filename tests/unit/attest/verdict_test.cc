#include "attest/verdict.h"

#include <gtest/gtest.h>

#include "attest/verifier.h"

namespace cloister::attest {
namespace {

TEST(Verdict, NothingCheckedIsNotSound) { EXPECT_FALSE(Verdict{}.sound()); }

TEST(Verdict, NotEvaluatedIsNotPassed) {
  Verdict verdict;
  verdict.pass("quote-signature");
  EXPECT_TRUE(verdict.sound());
  verdict.skip("revocation", Reason::kRevocationUnknown, "no list");
  EXPECT_FALSE(verdict.sound());
  EXPECT_FALSE(verdict.any_failed());
  EXPECT_EQ(verdict.first_problem()->name, "revocation");
  verdict.fail("debug", Reason::kDebug, "the host may look into it");
  EXPECT_TRUE(verdict.any_failed());
  EXPECT_EQ(verdict.first_problem()->name, "debug") << "what failed goes before what wasn't evaluated";
}

TEST(Verdict, OneBadDeviceSpoilsTheSet) {
  SetVerdict set;
  set.primary.pass("signature");
  set.primary.assurance = Assurance::kHardware;
  EXPECT_TRUE(set.sound());
  set.devices.emplace_back();
  EXPECT_FALSE(set.sound());
  EXPECT_EQ(set.assurance(), Assurance::kNone);
}

TEST(Anchors, ProductionKnowsNoSoftwareKeys) {
  const crypto::Sha256Digest key = crypto::sha256(as_bytes("a key"));
  EXPECT_FALSE(Anchors::production().trusts(Root::kInsecureSoftware, key));
  const Anchors named = Anchors::with_insecure_software({key});
  EXPECT_TRUE(named.trusts(Root::kInsecureSoftware, key));
  EXPECT_TRUE(named.insecure(Root::kInsecureSoftware));
  EXPECT_FALSE(named.trusts(Root::kIntelSgx, key));
  EXPECT_FALSE(named.insecure(Root::kIntelSgx));
}

TEST(Anchors, SimulatorsKnowNoVendor) {
  const crypto::Sha256Digest key = crypto::sha256(as_bytes("a key"));
  const Anchors simulated = Anchors::insecure({{Root::kAmdMilan, key}});
  EXPECT_TRUE(simulated.trusts(Root::kAmdMilan, key));
  EXPECT_TRUE(simulated.insecure(Root::kAmdMilan));
  EXPECT_FALSE(simulated.trusts(Root::kAmdGenoa, key));
}

}  // namespace
}  // namespace cloister::attest
