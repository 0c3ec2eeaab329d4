// An RSA key for tests: made once a process, never written down.
#pragma once

#include <string>

#include "crypto/secret.h"

namespace cloister::testing {

// PKCS #8, 2048 bits.
const std::string& rsa_key_pem();
crypto::Secret rsa_key_der();
// The same of 1024 bits.
crypto::Secret weak_rsa_key_der();

}  // namespace cloister::testing
