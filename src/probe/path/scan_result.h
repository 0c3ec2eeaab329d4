// Results of `cloister scan --json` as evidence: what a listener accepts.
#pragma once

#include <string_view>
#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

inline constexpr std::string_view kScanFormat = "cloister-scan/1";

// A target that couldn't be looked at states nothing. kInvalid for what isn't such a result.
Result<std::vector<Statement>> parse_scan_result(std::string_view json);

}  // namespace cloister::probe::path
