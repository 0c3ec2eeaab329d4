// SNP evidence as guests of the Confidential Containers write it.
#pragma once

#include "attest/amd/coco_snp.h"
#include "tests/support/simulated_snp.h"

namespace cloister::testing {

JsonValue coco_snp_json(const attest::Evidence& evidence);

}  // namespace cloister::testing
