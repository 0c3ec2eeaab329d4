// What is under a root, for people and for programs; the proof that a move ends with.
#pragma once

#include "keys/root_use.h"
#include "output.h"

namespace cloister::cli {

std::string use_text(const keys::KnownRoot& root, const keys::RootUse& use);  // whole lines
Json use_json(const keys::RootUse& use);

// Looks at every row again: a line for every root but `target`, saying that nothing is under it or what still is.
Result<std::string> proof_text(keys::Store& store, const keys::RootedSettings& settings, std::string_view target);

}  // namespace cloister::cli
