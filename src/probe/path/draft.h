// A graph drafted from evidence, for somebody to read and correct: who was seen, and whom they were seen to talk to.
#pragma once

#include <string>
#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

// TOML as docs/formats/data-path.md has it; parse_graph() takes it unless nobody was seen. Components are told apart by
// SPIFFE ID, then workload, then executable, then address. What is drafted was seen, and isn't thereby allowed.
std::string draft_graph(const std::vector<Statement>& statements);

}  // namespace cloister::probe::path
