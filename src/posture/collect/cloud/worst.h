// One view of several: of a store's objects, of a training job's volume and output.
#pragma once

#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// What is proven bad counts before what isn't known, and that before what is good. Scheme, algorithm and key are those
// of the first view that is so bad; other keys are listed. Level and sample are the first view's.
StorageView worst_of(const std::vector<StorageView>& views);

// Not encrypted, or by a key that is surely not the operator's: true whatever else couldn't be looked at.
bool is_proven_bad(const StorageView& view);

}  // namespace cloister::posture
