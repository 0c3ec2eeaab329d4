// Facts: what wasn't looked at is unknown.
#include "probe/fact.h"

#include <gtest/gtest.h>

namespace cloister::probe {
namespace {

TEST(FactsTest, WhatWasNotLookedAtIsUnknown) {
  Facts facts;
  facts.add("P3", "", Seen::kNo);
  EXPECT_EQ(facts.seen("P3"), Seen::kNo);
  EXPECT_EQ(facts.seen("P2"), Seen::kUnknown);
  EXPECT_EQ(facts.seen("P3", "other"), Seen::kUnknown);
}

TEST(FactsTest, TextOfThePeerCannotReachATerminalAsItIs) {
  Facts facts;
  facts.add("W4", "x\x1b[2J", Seen::kYes, "server: \x1b]0;evil\x07");
  EXPECT_EQ(facts.all().front().subject, "x?[2J");
  EXPECT_EQ(facts.all().front().detail, "server: ?]0;evil?");
}

}  // namespace
}  // namespace cloister::probe
