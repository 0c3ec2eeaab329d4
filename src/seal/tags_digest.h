// The digest of all tags of an object, as the footer holds it. docs/formats/sealed-object.md, "Footer".
#pragma once

#include "base/file.h"
#include "crypto/hash.h"
#include "seal/layout.h"

namespace cloister::seal {

// Reads the tags as they lie in the file, in chunk order.
Result<crypto::Sha256Digest> read_tags_digest(const File& file, const Layout& layout);

}  // namespace cloister::seal
