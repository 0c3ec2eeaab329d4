// Whether a report is good enough to go on with: what a pipeline asks. Pure. docs/posture.md, "In a pipeline".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "posture/report/json.h"

namespace cloister::posture {

// Failing verdicts that somebody knew of when the gate was introduced. It is no exception: it lives in no report, and
// counts for no level; it only keeps the gate from failing over what was there before.
struct Baseline {
  std::vector<StoredVerdict> accepted;
};
std::string baseline_json(const Baseline& baseline);
Result<Baseline> parse_baseline(std::string_view json);
// All failing verdicts of a report.
Baseline baseline_of(const StoredReport& report);

struct GateRules {
  std::optional<Level> level_min;
  std::optional<StoredReport> base;  // nothing may be worse than in this one
  // Controls by id, or "critical", or the name of a level in lower case: all that gate it or one below. Empty: all.
  std::vector<std::string> fail_on;
  std::uint64_t not_assessed_max = 0;  // of those controls
  Baseline baseline;
  // The time that the report is to be good for: what configuration proves, it proves for a day. Nothing: any is.
  std::optional<Time> now;
};
// kInvalid for a word that `fail_on` doesn't know.
cloister::Status check_rules(const Catalogue& catalogue, const GateRules& rules);

struct GateAnswer {
  std::vector<std::string> failures;      // what is wrong, a line each
  std::vector<std::string> not_assessed;  // what nobody knows, where that is more than the rules allow
  std::string outdated;                   // why the report says nothing about now; empty: it does
  std::uint64_t accepted = 0;             // failing verdicts that the baseline has
  std::vector<std::string> mended;        // what the baseline has and doesn't fail any more
};
GateAnswer gate(const Catalogue& catalogue, const StoredReport& report, const GateRules& rules);

}  // namespace cloister::posture
