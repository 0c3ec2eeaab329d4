// The collateral that a home keeps: a bundle in its folder, signed with its own log key, so that whoever can merely
// write there can't add endorsements or lower floors. docs/formats/collateral-bundle.md.
#pragma once

#include <functional>
#include <vector>

#include "attest/collateral/bundle.h"
#include "audit/signed_note.h"
#include "base/file.h"
#include "keys/hierarchy.h"

namespace cloister::home {

inline Path collateral_path(const Path& home) { return home / "collateral.bundle"; }

// Notes that one of those keys signed, with the key's name.
attest::NoteVerifier signed_by(std::vector<audit::VerifierKey> keys);

// A bundle that the home signs. The log's key is made where there is none yet.
Result<Bytes> sign_bundle(keys::Hierarchy& hierarchy, const attest::CollateralBundle& bundle);

// What the home keeps; nothing where nothing was kept yet. kCorrupt, kDenied: it isn't what this home wrote.
Result<attest::CollateralBundle> read_collateral(const Path& home, keys::Hierarchy& hierarchy);
// Reads it, lets `edit` change it, and puts it back with `now` as its time, signed. kUnavailable while another process
// does. Nothing is written when `edit` fails.
Status update_collateral(const Path& home, keys::Hierarchy& hierarchy, Time now,
                         const std::function<Status(attest::CollateralBundle&)>& edit);

}  // namespace cloister::home
