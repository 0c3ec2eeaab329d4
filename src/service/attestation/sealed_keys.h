// Data keys on their way to an attested worker: unwrapped with the dataset's keyring, and sealed at once to the key
// that the worker's evidence names.
#pragma once

#include "service/attestation/release_order.h"
#include "service/json_writer.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

struct SealedKeys {
  std::size_t sealed = 0, refused = 0;
  std::optional<Problem> first_problem;
  std::optional<std::uint32_t> version;  // where all are of one
  std::string objects;                   // for the record
};

// Writes the answer's "keys": an array with one value for each. `release` is the id that they are sealed for.
Result<SealedKeys> seal_keys(const Call& call, const std::vector<WantedKey>& keys, const CachedKeyring& keyring,
                             const crypto::HpkePublicKey& recipient, const std::string& release, crypto::Random& random,
                             JsonWriter& json);

}  // namespace cloister::service
