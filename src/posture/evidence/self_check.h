// Whether this run could have passed in silence: its own facts are blinded one after another, and its exceptions
// tampered with, and nothing may get better by it. What comes of it is evidence for GOV-05 and GOV-06, of the very
// engine and judges that made the report.
#pragma once

#include <span>
#include <vector>

#include "posture/assessment.h"
#include "posture/maturity.h"

namespace cloister::posture {

// Three facts about the platform, collector "self-check/1": `drill` "blind-scanner" (facts that couldn't be looked at,
// that are too old, that are a simulation's: no verdict becomes a pass, and no pass cites one), `drill` "monotonicity"
// (the same, and facts of a kind or a collector all at once: no level and no lower bound of the score rises), and
// `exceptions.register`. Of many facts a sample is taken, the same each time: about a second at most.
std::vector<Fact> self_check(const Catalogue& catalogue, const Estate& estate, std::span<const Fact> facts,
                             std::span<const Exception> exceptions, Time now);

// Passes whose evidence isn't there, is too old, couldn't look, or is a simulation's. 0 is the only right answer.
std::uint64_t passes_without_evidence(const Assessment& assessment, std::span<const Fact> facts, Time now);

}  // namespace cloister::posture
