// What a token's attributes say of a key, as every provider says it. Used by the PKCS#11 sources alone.
#pragma once

#include "kms/pkcs11/pkcs11_objects.h"
#include "kms/posture.h"

namespace cloister::kms {

enum class TokenHome { kHardware, kSoftware, kUnknown };

// `key` is the name in full. What PKCS#11 has no words for (when a key was made, used or replaced) is not assessed.
KeyPosture posture_of(std::string key, const TokenKeyFacts& facts, TokenHome home, Time now);

}  // namespace cloister::kms
