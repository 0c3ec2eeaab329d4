// The keys that a home knows, by the ids that sealed objects name: what a content audit resolves headers with. From
// keyrings as they are stored; nothing is unwrapped.
#pragma once

#include "keys/store.h"
#include "posture/collect/content/known_keys.h"
#include "seal/keyring.h"

namespace cloister::home {

// kCorrupt where a keyring of the store is none.
Result<posture::content::KnownKeys> known_keys(keys::Store& store);

// Of one keyring, under a KEK of those versions.
void add_known_keys(const seal::KeyringOutline& keyring, const keys::TenantRecord& tenant,
                    posture::content::KnownKeys& keys);

}  // namespace cloister::home
