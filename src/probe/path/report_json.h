// A report as JSON, for programs. docs/data-paths.md lists the fields.
#pragma once

#include <string>

#include "probe/path/verdict.h"

namespace cloister::probe::path {

// One object, in one line, with members in a fixed order: the same report gives the same bytes.
std::string report_json(const Report& report);

}  // namespace cloister::probe::path
