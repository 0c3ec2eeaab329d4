// The group of verbs below `cloister attest` that enrols the keys which TPMs attest with.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_tpm(CLI::App& attest, Run& run);

}  // namespace cloister::cli
