// Collateral as loose files, as vendors hand them out: KIND/KEY.EXT, and KIND/KEY.chain.pem where the issuers' chain
// came beside it. What is in such a folder is vouched for by whoever names it.
#pragma once

#include "attest/collateral.h"
#include "base/file.h"

namespace cloister::home {

// Every file must be one of a kind: kInvalid names the first that isn't. `fetched` is what undated pieces count from.
Result<attest::Collateral> read_collateral_folder(const Path& folder, Time fetched);
// Into a folder that isn't there yet, or is empty of those files. kExists.
Status write_collateral_folder(const Path& folder, const attest::Collateral& collateral);

}  // namespace cloister::home
