// What the evidence store is worth, as a fact for GOV-04: a sample of its runs is verified as an auditor would do it,
// and tampered with in memory, where that must be noticed.
#pragma once

#include <functional>
#include <optional>

#include "audit/signed_note.h"
#include "posture/catalogue.h"
#include "posture/evidence/store.h"
#include "posture/fact.h"

namespace cloister::posture {

// `logged`: the root that the audit log has of a run, in base64; nothing where it has none. Values:
// docs/formats/facts.md, "evidence.store". Not assessed where the store holds no run yet, or can't be read.
Fact check_store(const EvidenceStore& store, const audit::VerifierKey& key, const Catalogue& catalogue,
                 const std::function<std::optional<std::string>(const std::string& run)>& logged,
                 std::string_view program, Time now);

}  // namespace cloister::posture
