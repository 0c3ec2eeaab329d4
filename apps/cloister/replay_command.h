// The verb below `cloister attest` that verifies past releases again.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_replay(CLI::App& attest, Run& run);

}  // namespace cloister::cli
