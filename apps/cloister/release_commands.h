// The verbs below `cloister attest` that are about what was released, and by which policy.
#pragma once

#include "commands.h"
#include "service/attestation/archive.h"

namespace cloister::cli {

// Of the home. kNotFound where nothing was ever released from it.
Result<service::Archive> open_release_archive(Session& session);
// The attestation policy in force, as it was set; empty: none was.
Result<std::string> attestation_policy_text(Session& session);

void add_releases(CLI::App& attest, Run& run);

}  // namespace cloister::cli
