// Whether a dataset's keys may be used at all, whatever the states of their versions: docs/formats/key-hierarchy.md.
#pragma once

#include "keys/hierarchy.h"

namespace cloister::keys {

// kCorrupt when what is stored is none. Datasets that nobody held are kNone, and so are those that don't exist.
Result<DatasetHold> dataset_hold(Store& store, const DatasetName& name);
// Names of datasets whose destruction is due at `now`.
Result<std::vector<DatasetName>> datasets_to_destroy(Store& store, Time now);

// kDenied, with the reason, unless they may be used.
Status check_usable(const DatasetHold& hold, const DatasetName& name);

}  // namespace cloister::keys
