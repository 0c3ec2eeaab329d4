// Primes of finite-field Diffie-Hellman that many servers share: whoever breaks one breaks them all.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace cloister::probe {

// "ffdhe2048", "RFC 3526 group 14", "nginx"; empty for a prime that isn't known. Without leading zeros.
std::string_view owner_of_prime(ByteView prime);

}  // namespace cloister::probe
