// Verdicts as signed attestation results (EAR), by this home's keys for them.
#pragma once

#include "service/attestation/result_tokens.h"
#include "session.h"

namespace cloister::cli {

// The home's. hierarchy()'s codes.
Result<service::ResultTokens> open_result_tokens(Session& session);

// Signs, records it as attestation.result, and writes it to a new file; says so in `outcome`.
Status write_ear(Session& session, const std::string& file, const attest::SetVerdict& verdict,
                 const attest::EarRequest& request, Outcome& outcome);

}  // namespace cloister::cli
