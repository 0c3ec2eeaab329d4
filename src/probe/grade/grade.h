// Facts held against a profile: a grade, and the reason for every point that is lost. Pure.
#pragma once

#include <string>
#include <vector>

#include "probe/grade/profile.h"

namespace cloister::probe {

// A rule that an endpoint breaks, or that nobody knows whether it keeps.
struct Finding {
  const Rule* rule = nullptr;
  Seen seen = Seen::kUnknown;
  unsigned points = 0;  // lost
  char cap = 'A';
  std::string subject, detail;  // of the fact that decided; empty: there is none
};

struct Grade {
  std::string letter;                 // "A+", "A" to "F"
  unsigned score = 0;                 // of 100
  std::vector<Finding> lost;          // dearest first
  std::vector<Finding> not_assessed;  // what could not be found out: it loses its points too, but caps nothing
};

// A+ is an A to which nothing is to be said. From 90 points A, 80 B, 65 C, 50 D, 35 E; a rule's cap holds whatever the
// points. What should have been looked at and is unknown loses its points as if it were broken.
Grade grade(const Profile& profile, const Facts& facts);

}  // namespace cloister::probe
