#include "attest/amd/little_endian_signature.h"

#include <algorithm>

#include "crypto/der.h"

namespace cloister::attest {

Result<Bytes> big_endian(ByteView little_endian, std::size_t size) {
  if (little_endian.size() < size || !all_zero(little_endian.subspan(size))) {
    return Error(Code::kInvalid, "a number is longer than " + std::to_string(size) + " bytes");
  }
  Bytes number = to_bytes(little_endian.first(size));
  std::ranges::reverse(number);
  return number;
}

Result<Bytes> der_of_little_endian_signature(ByteView r, ByteView s, std::size_t size_max) {
  CLOISTER_TRY(const Bytes first, big_endian(r, size_max));
  CLOISTER_TRY(const Bytes second, big_endian(s, size_max));
  if (all_zero(first) || all_zero(second)) return Error(Code::kInvalid, "a signature has a number that is zero");
  return crypto::der_element(crypto::der::kSequence,
                             {crypto::der_positive_integer(first), crypto::der_positive_integer(second)});
}

}  // namespace cloister::attest
