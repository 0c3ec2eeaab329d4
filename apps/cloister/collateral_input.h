// Collateral that verbs are given: signed bundles and folders of loose files; else what the home keeps.
#pragma once

#include <CLI/App.hpp>

#include "attest/collateral/bundle.h"
#include "session.h"

namespace cloister::cli {

struct CollateralOptions {
  std::vector<std::string> paths;
  std::vector<std::string> keys;  // of whoever signed the bundles
};
void add_collateral_options(CLI::App* verb, CollateralOptions& options);

// A bundle that one of these keys signed. kInvalid without a key.
Result<attest::OpenedBundle> read_bundle(const std::string& path, const std::vector<std::string>& keys);

// Everything of all of them, the newest of each; without a path the home's, which may keep nothing and needn't be
// there.
Result<attest::CollateralBundle> gather_collateral(Session& session, const CollateralOptions& options, Time now);

}  // namespace cloister::cli
