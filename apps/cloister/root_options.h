// What a root is told on the command line: OPTION=VALUE.
#pragma once

#include <string>
#include <vector>

#include "home/home_config.h"

namespace cloister::cli {

// Puts them into `root`; paths are made absolute, for runs that start elsewhere. kInvalid for text without '=' or with
// nothing at one side of it. Whether the root's kind has such an option is home::check_root's to say.
Status add_root_options(const std::vector<std::string>& texts, home::RootConfig& root);

}  // namespace cloister::cli
