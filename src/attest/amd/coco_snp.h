// SNP evidence as guests of the Confidential Containers send it: the report taken apart into JSON members, put together
// again byte for byte before anything is verified.
#pragma once

#include <optional>

#include "attest/evidence.h"
#include "base/json.h"

namespace cloister::attest {

// {"attestation_report": {…}, "cert_chain": [{"cert_type", "data"}] or null}. kInvalid for a member that is missing, of
// another type or out of range, and for a kind of certificate twice. Members not known here change nothing.
Result<Evidence> parse_coco_snp(const JsonValue& json);
std::optional<Evidence> recognise_coco_snp(ByteView file);

}  // namespace cloister::attest
