// Intel's evidence and collateral as ../shared/vectors has them, in the form that a Question takes.
#pragma once

#include "attest/verifier.h"
#include "base/file.h"

namespace cloister::testing {

// {"<member>":<inner>,"signature":"<hex>"}: PCS's answer, from the object that was signed.
Bytes pcs_answer(std::string_view member, std::string_view inner, std::string_view signature_hex);
// What the "collateral" folder of a vector has, under the keys that this evidence needs.
attest::Collateral intel_collateral(const Path& folder, const attest::Evidence& evidence);

}  // namespace cloister::testing
