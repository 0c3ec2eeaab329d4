// What routes of one shape share: those that change something by a verb of keys::Hierarchy and then show it, and those
// that only show.
#pragma once

#include "service/json_writer.h"
#include "service/route.h"

namespace cloister::service {

// Writes the resource as it is now.
using Show = std::function<Status(const Call& call, keys::Hierarchy& hierarchy, JsonWriter& json)>;
// Changes it; recorded by itself.
using Change = std::function<Status(const Call& call, keys::Hierarchy& hierarchy)>;

// A 200 with what `show` writes.
Act act_of(Show show);
// Changes, then answers `status` with what `show` writes; a repeated request is answered with 200.
Parsed change_of(Target target, Change change, Show show, unsigned status = 200);

// Routes of a tenant (and of its environment), at `suffix` of their path. The target is the path's; bodies and queries
// are refused.
Route showing(policy::Operation operation, Show show);
// The same of a verb that takes no more than its path: POST.
Route changing(policy::Operation operation, Change change, Show show);

// Store::change() for verbs that no hierarchy has: what is refused is on record too.
Status change_recorded(keys::Store& store, keys::AuditEntry entry,
                       const std::function<Status(keys::Store::Change&)>& body);

// A path's {version}. kInvalid for what is no number.
Result<std::uint32_t> version_of_path(const Call& call);

// kInvalid unless there is neither body nor query.
Status expect_bare(const Call& call);

}  // namespace cloister::service
