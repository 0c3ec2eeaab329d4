// The verbs below `cloister attest` that are about what was released, and by which policy.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_releases(CLI::App& attest, Run& run);

}  // namespace cloister::cli
