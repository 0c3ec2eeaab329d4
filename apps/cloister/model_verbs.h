// The verbs below `cloister model` that have a file of their own.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_model_check(CLI::App& group, Run& run);
void add_model_ledger(CLI::App& group, Run& run);
void add_model_open(CLI::App& group, Run& run);

}  // namespace cloister::cli
