// META under its key: the encrypted form that lies in the object. docs/formats/sealed-object.md, "META".
#pragma once

#include "base/file.h"
#include "crypto/secret.h"
#include "seal/meta.h"
#include "seal/preamble.h"

namespace cloister::seal {

// ciphertext || tag; sets the preamble's meta_len and meta_hash. `page` is the preamble's page as far as it is known:
// META's key depends on its public context alone. kInvalid for what a reader would refuse.
Result<Bytes> seal_meta(const Meta& meta, const crypto::Dek& dek, ByteView page, Preamble& preamble);

// Reads META of the object or run that starts at `start`. SO-12.
Result<Meta> open_meta(const File& file, std::uint64_t start, const Preamble& preamble, const crypto::Dek& dek,
                       ByteView page);

}  // namespace cloister::seal
