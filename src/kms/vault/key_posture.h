// What the transit engine says of a key, and whether the key can be used for wrapping.
#pragma once

#include "kms/vault/answers.h"

namespace cloister::kms::vault {

// kInvalid, saying why, unless the key is of an AEAD kind, and not one that derives others.
Status check_usable(const TransitKey& key);

KeyPosture posture_of(const std::string& name, const TransitKey& key);

}  // namespace cloister::kms::vault
