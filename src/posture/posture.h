// A whole report as data: what every renderer, the trend and the CI gate are made from. docs/formats/posture-report.md
// is its JSON.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "posture/assessment.h"
#include "posture/maturity.h"

namespace cloister::posture {

// One earlier run, as the trend keeps it.
struct TrendPoint {
  Time at;
  std::string run;  // id
  std::array<Reached, kDomainCount> domains;
  Reached overall;
  Score score;
  std::uint32_t coverage_permille = 0;
  std::uint64_t pass = 0, fail = 0, not_assessed = 0, exceptions = 0, not_applicable = 0;  // of controls
};

enum class Change : std::uint8_t { kNew, kFixed, kRegressed, kUnchanged, kLostCoverage };
std::string_view name_of(Change change);  // "new", "fixed", "regressed", "unchanged", "lost-coverage"

struct Changed {
  Change change = Change::kNew;
  std::string control;
  Subject subject;
  Status before = Status::kNotAssessed, after = Status::kNotAssessed;
};

struct Posture {
  std::string run;      // id of this run: in hexadecimal
  std::string program;  // "cloister 0.1.0"
  Estate estate;
  Assessment assessment;
  Maturity maturity;
  std::vector<Fact> facts;                     // every one of the run
  std::vector<std::string> unread;             // what couldn't be looked at, and why: a line each
  std::vector<TrendPoint> trend;               // earlier runs, oldest first, then this one
  std::vector<Changed> changes;                // against the run before; without those unchanged
  std::map<std::string, std::string> context;  // who ran it, where, which permissions: for the scope statement
};

}  // namespace cloister::posture
