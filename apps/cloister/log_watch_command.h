// cloister scan logs. Added by `scan`.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_log_watch(CLI::App& scan, Run& run);

}  // namespace cloister::cli
