// What earlier runs have to do with this one: facts that still hold, subjects that must not be forgotten, how levels
// moved, and what changed. Pure.
#pragma once

#include <span>
#include <vector>

#include "posture/posture.h"
#include "posture/report/json.h"

namespace cloister::posture {

// By a collector that is the run itself: what checks it, its inventory, or what it remembers. Nobody else says such.
bool is_of_run_itself(const Fact& fact);

// Facts of the run before that this one goes on with:
// - those of collectors that this run didn't ask, as they stand, with their own dates: what is still valid proves, what
//   isn't says how old it is;
// - of a collector that this run did ask, for each kind and subject it now says nothing about, one that says when it
//   was last seen: not assessed. Objects are left out: a location's collector tells only of those there is something to
//   say of.
// - records, always; drills, until the same one was tried again.
// What a record "decommission" speaks about is left out, and so is what the run itself is checked by. `now` is the
// run's time.
std::vector<Fact> carried(std::span<const Fact> before, std::span<const Fact> fresh, Time now);

// Verdicts against the run before, by control and subject, without those unchanged:
// new: nothing was known of the subject, and it isn't a pass; fixed: a fail became a pass; regressed: what was a pass
// or an exception, or not assessed, is a fail; lost coverage: what was measured or excepted is not assessed, or isn't
// there any more. An object that isn't mentioned any more, where its location was measured, is fixed.
std::vector<Changed> changes(const StoredReport& before, const StoredReport& after);

}  // namespace cloister::posture
