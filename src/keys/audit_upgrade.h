// An audit from before there were trees: its rows are put into them. docs/formats/audit.md, AU-6.
#pragma once

#include "keys/database.h"

namespace cloister::keys {

// From the table audit_1, with the columns of version 1 of the schema, into the empty tables audit and nodes; drops it.
// The rows stay as they were, and keep their hashes. kDenied for a store that was moved elsewhere. Used by schema.cc
// alone.
Status rows_become_leaves(Connection& connection);

}  // namespace cloister::keys
