// What a provider's credential lies in: a file with one line (a client secret, a token that somebody renews there), or
// a whole document.
#pragma once

#include "base/file.h"
#include "crypto/secret.h"

namespace cloister::kms {

inline constexpr std::size_t kSecretTextMax = 65536;

// The content, without white space at its end. kDenied as check_guarded(); kInvalid when it is empty or larger than
// kSecretTextMax.
Result<crypto::Secret> read_secret_text(const Path& path, Guard guard);

}  // namespace cloister::kms
