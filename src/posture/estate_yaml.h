// An estate written in YAML as the tables that the TOML spelling has, so that one reader takes both.
#pragma once

#include <string_view>

#include "base/toml.h"

namespace cloister::posture {

// kInvalid "line 12: …" for what isn't one map of plain values and of lists of maps.
Result<TomlDocument> parse_tables_from_yaml(std::string_view text);

}  // namespace cloister::posture
