// What a PKCS#11 module's return values are called, and what they mean for whoever called.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>

#include "base/error.h"

namespace cloister::kms {

// "CKR_PIN_INCORRECT", or the number.
std::string ckr_name(CK_RV code);
// One table: refused for good, malformed, not offered; what isn't in it may go better next time (kUnavailable).
Code code_of(CK_RV code);
// "doing: CKR_…".
Error pkcs11_error(const std::string& doing, CK_RV code);

// The session, the login, the token or the library is gone: worth building everything up again.
bool means_lost(CK_RV code);

}  // namespace cloister::kms
