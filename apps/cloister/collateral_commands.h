// The group of verbs below `cloister attest` that is about collateral.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_collateral(CLI::App& attest, Run& run);

}  // namespace cloister::cli
