// The verbs of `cloister audit` that concern the signed log: exports, checkpoints, witnesses.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_audit_log(CLI::App& group, Run& run);

// From the file alone and public keys; needs no home.
struct ExportTrust {
  std::string log_key;
  std::vector<std::string> witnesses;
  std::size_t quorum = 0;
};
Result<Outcome> verify_exported_log(const std::string& path, const ExportTrust& trust);

}  // namespace cloister::cli
