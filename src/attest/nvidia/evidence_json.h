// Evidence as NVIDIA's own tools write it: a JSON array of devices, each with its report and its certificates in
// base64.
#pragma once

#include <optional>

#include "attest/evidence.h"

namespace cloister::attest::nvidia {

// The first device as the set's own, the others beside it. Nothing when it is something else.
std::optional<EvidenceSet> recognise_json(ByteView file);

}  // namespace cloister::attest::nvidia
