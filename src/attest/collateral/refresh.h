// What is to be fetched, and when: ahead of expiry, so that a vendor's outage finds something valid still here.
#pragma once

#include <vector>

#include "attest/collateral.h"

namespace cloister::attest {

struct RefreshRules {
  // Fetched anew when this share of its time from issue to expiry is over.
  unsigned at_percent = 50;
  // What doesn't say when it expires, or only in years: so long after it was fetched.
  Duration undated = days(7);
  // Never again sooner than that.
  Duration rest = hours(1);
};

// When a piece is due. Certificates of chips don't change: theirs is never.
std::optional<Time> due(const CollateralItem& item, const RefreshRules& rules);

// Whether it is past its own date; what has none never is. For telling people: verifiers judge by themselves.
bool expired(const CollateralItem& item, Time now);

struct RefreshPlan {
  std::vector<CollateralNeed> now;  // missing first, then by how soon they expire
  std::optional<Time> next;         // when the first of the others is due
};
// `wanted` and what is kept.
RefreshPlan plan_refresh(const Collateral& kept, const std::vector<CollateralNeed>& wanted, Time now,
                         const RefreshRules& rules);

}  // namespace cloister::attest
