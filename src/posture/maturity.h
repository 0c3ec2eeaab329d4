// At which level a platform is, per domain and overall: a gate, never an average. Removing evidence never raises a
// level or the lower bound of the score.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "posture/assessment.h"

namespace cloister::posture {

// Nothing: unrated.
using Reached = std::optional<Level>;
std::string_view name_of(Reached reached);  // "Unrated", "Foundational", …

struct Blocker {
  std::string control;  // empty: coverage or measured evidence is missing
  Status status = Status::kNotAssessed;
  std::string reason;
};

struct DomainMaturity {
  Domain domain = Domain::kAtRest;
  Reached reached;
  std::vector<Blocker> blockers;  // all that stands before the next level; empty at Strategic
};

// In ten-thousandths, rounded to nearest: 9895 is 0.9895.
struct Score {
  std::uint32_t lower = 0, upper = 0;
};

struct NextStep {
  std::string control;
  Domain domain = Domain::kAtRest;
  Level level = Level::kFoundational;  // that it stands before
  std::uint32_t gain = 0;              // weight it would add to the score
  std::uint32_t effort = 1;
  std::string what;  // the first remediation of its subjects, else the control's
};

struct Maturity {
  std::array<DomainMaturity, kDomainCount> domains;
  Reached overall;  // the lowest of the domains
  Score score;
  std::vector<NextStep> next;  // most gain for its effort first, of those before the next overall level
};

Maturity maturity(const Catalogue& catalogue, const Assessment& assessment);

}  // namespace cloister::posture
