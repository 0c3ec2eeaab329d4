// Reading the audit log: records, signed checkpoints and proofs of a tenant's tree, and of the one that is no tenant's.
#pragma once

#include "service/route.h"

namespace cloister::service {

// Of whole tenants only: a tree holds the records of all environments of its tenant.
std::vector<Route> audit_routes();

}  // namespace cloister::service
