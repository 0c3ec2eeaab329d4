// A policy for attested release of version 1, docs/formats/attestation-policy.md: text in, checked values out.
#pragma once

#include "policy/attestation.h"

namespace cloister::policy {

// Errors as load_attestation_policy(); expectations are read, not run.
Result<AttestationDocument> parse_attestation_document(std::string_view text);

// Whose vendor says whether a machine is up to date: its evidence must say so too.
bool has_tcb_status(std::string_view platform);

}  // namespace cloister::policy
