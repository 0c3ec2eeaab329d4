// ECDSA signatures as AMD's firmware writes them: r and s little endian, 72 bytes each, whatever the curve.
#pragma once

#include "base/bytes.h"

namespace cloister::attest {

// As DER, for crypto::PublicKey::verify(). kInvalid when one of the numbers is zero or longer than `size_max` bytes.
Result<Bytes> der_of_little_endian_signature(ByteView r, ByteView s, std::size_t size_max);
// The number big endian, `size` bytes; kInvalid when it is longer.
Result<Bytes> big_endian(ByteView little_endian, std::size_t size);

}  // namespace cloister::attest
