// Whose tree it is: the name of a log, of its key and of its checkpoints. docs/formats/audit-log.md, ML-2 and ML-3.
#pragma once

#include <string>
#include <string_view>

#include "audit/event.h"

namespace cloister::audit {

// A tree's origin is SERVER/TENANT, or SERVER/- for what concerns no tenant. kInvalid when that isn't a name a key can
// have (signed_note.h), or a part is empty; `tenant` is a tenant alone, without an environment.
Result<std::string> tree_origin(std::string_view server, std::string_view tenant);

// kInvalid unless `origin` is what tree_origin() gives.
Status check_origin(std::string_view origin);

// The tree, within a server, of what concerns `tenant`: "acme" for "acme" and "acme/production", "-" for none and for
// what no tenant could be called.
std::string tree_name(std::string_view tenant);
// kInvalid unless `origin` is one of `server`'s trees; else the name of that tree.
Result<std::string> tree_of_origin(std::string_view origin, std::string_view server);

// The event as a tree can hold it. Somebody's idea of a tenant, which no tenant could be called, goes into the detail,
// and the event into the tree of what concerns none.
Event in_its_tree(Event event);

// Whether a record of `tenant` ("acme", "acme/production", or empty) belongs into the tree of that origin.
bool belongs_to_tree(std::string_view origin, std::string_view tenant);

}  // namespace cloister::audit
