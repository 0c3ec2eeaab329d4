// Writing a directory's manifest. Used by directory*.cc alone.
#pragma once

#include "seal/directory.h"

namespace cloister::seal {

struct SignedManifest {
  Manifest manifest;
  crypto::Sha256Digest digest{};  // of all its bytes, the signature included
};
// As read_manifest().
Result<SignedManifest> read_signed_manifest(const Path& directory, const DirectoryKeys& keys);

// Aside, durable, renamed into place; the keyring id comes from `object`. MF-3.
Status write_manifest(const Path& directory, Manifest manifest, const SealOptions& object, const DirectoryKeys& keys,
                      crypto::Random& random);

}  // namespace cloister::seal
