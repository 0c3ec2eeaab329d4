// Public keys whose private half is known to be easy to find.
#pragma once

#include "base/bytes.h"

namespace cloister::probe {

// Whether an RSA modulus has the shape of those that Infineon's library made (ROCA, CVE-2017-15361): modulo each of
// many small primes it is a power of 65537. One in some 2^27 other moduli has it by chance.
bool has_roca_shape(ByteView modulus);

}  // namespace cloister::probe
