// What a new policy changes, told rule by rule to the one who reviews it: who may do what that they couldn't, and the
// other way round.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace cloister::policy {

struct Change {
  std::string rule;  // empty for what isn't a rule's: quotas, how long the policy is good
  std::string who;   // callers, or "tenant acme", or "everyone"
  std::string what;  // "may now unwrap of dataset mnist of tenant acme, …"
  // Somebody may get more by it. Judged by each value as it is written, not by what patterns share: where that can't
  // tell, it is true.
  bool widens = false;
  friend bool operator==(const Change&, const Change&) = default;
};

// By rule name; empty where the two decide alike rule for rule. Rules are the same rule when their names are.
std::vector<Change> diff(const Policy& before, const Policy& after);

}  // namespace cloister::policy
