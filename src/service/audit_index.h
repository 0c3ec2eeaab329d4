// Where the record of a verb stands: the verbs of keys::Hierarchy write it and don't say.
#pragma once

#include "keys/store.h"

namespace cloister::service {

// The newest record of that request among the last few of its tenant's tree; an empty origin when it isn't there.
keys::Recorded find_record(keys::Store& store, std::string_view tenant, std::string_view request_id);

}  // namespace cloister::service
