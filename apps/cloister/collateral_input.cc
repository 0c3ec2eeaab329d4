#include "collateral_input.h"

#include <filesystem>

#include "attest/collateral/merge.h"
#include "home/collateral_cache.h"
#include "home/collateral_folder.h"
#include "service/attestation/release_state.h"
#include "verifier_key.h"

namespace cloister::cli {
namespace {

Result<attest::CollateralBundle> of_home(Session& session) {
  CLOISTER_TRY(const bool has_home, session.has_home());
  std::error_code failure;
  if (!has_home || !std::filesystem::exists(home::collateral_path(session.home()), failure)) {
    return attest::CollateralBundle{};
  }
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(attest::CollateralBundle kept, home::read_collateral(session.home(), *hierarchy));
  CLOISTER_TRY(const service::AuthenticSettings settings, session.service_settings());
  CLOISTER_TRY(const auto state, service::ReleaseSettings(settings).load(hierarchy->store(), nullptr));
  attest::raise(kept.floors, state->floors);
  return kept;
}

}  // namespace

void add_collateral_options(CLI::App* verb, CollateralOptions& options) {
  verb->add_option("--collateral", options.paths, "bundles, or folders of loose files; else what the home keeps")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  verb->add_option("--key", options.keys, "who may have signed a bundle: the key `cloister audit key -` prints there")
      ->type_name("KEY")
      ->allow_extra_args(false);
}

Result<attest::OpenedBundle> read_bundle(const std::string& path, const std::vector<std::string>& keys) {
  if (keys.empty()) return invalid(path + " is a bundle: --key says whose signature is trusted");
  std::vector<audit::VerifierKey> trusted;
  for (const std::string& text : keys) {
    CLOISTER_TRY(audit::VerifierKey key, read_verifier_key(text).with_context("--key"));
    trusted.push_back(std::move(key));
  }
  CLOISTER_TRY(const Bytes bytes, read_file(path, attest::kCollateralBundleSizeMax));
  return attest::open_bundle(bytes, home::signed_by(std::move(trusted))).with_context(path);
}

Result<attest::CollateralBundle> gather_collateral(Session& session, const CollateralOptions& options, Time now) {
  if (options.paths.empty()) return of_home(session);
  attest::CollateralBundle all;
  all.at = now;
  for (const std::string& path : options.paths) {
    std::error_code failure;
    if (std::filesystem::is_directory(path, failure)) {
      CLOISTER_TRY(const attest::Collateral loose, home::read_collateral_folder(path, now));
      attest::merge(all.collateral, loose);
      continue;
    }
    CLOISTER_TRY(const attest::OpenedBundle opened, read_bundle(path, options.keys));
    attest::merge(all.collateral, opened.bundle.collateral);
    attest::raise(all.floors, opened.bundle.floors);
  }
  return all;
}

}  // namespace cloister::cli
