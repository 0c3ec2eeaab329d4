// What a person says, as a fact that is signed when it is made and verified by whoever uses it.
#pragma once

#include <span>
#include <string>

#include "audit/signed_note.h"
#include "posture/fact.h"

namespace cloister::posture {

// "record", "assessment.workload", "pilot": facts of these kinds count only signed.
bool is_of_people(const Fact& fact);

// What is to be signed for such a fact; its `raw` isn't part of it, since that is where the signed note
// goes.
std::string record_text(const Fact& fact);

// kDenied where none of the keys signed it; kCorrupt where `raw` is no note, or another fact's.
cloister::Status verify_record(const Fact& fact, std::span<const audit::VerifierKey> keys);

}  // namespace cloister::posture
