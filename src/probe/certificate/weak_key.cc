#include "probe/certificate/weak_key.h"

#include <algorithm>

namespace cloister::probe {
namespace {

// Primes modulo which the powers of 65537 are few enough to tell something.
constexpr std::uint32_t kPrimes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};
constexpr std::uint32_t kGenerator = 65537;

std::uint32_t modulo(ByteView magnitude, std::uint32_t prime) {
  std::uint32_t rest = 0;
  for (const std::uint8_t byte : magnitude) rest = (rest << 8 | byte) % prime;
  return rest;
}

bool is_power(std::uint32_t value, std::uint32_t prime) {
  std::uint32_t power = 1;
  do {
    if (power == value) return true;
    power = power * (kGenerator % prime) % prime;
  } while (power != 1);
  return false;
}

}  // namespace

bool has_roca_shape(ByteView modulus) {
  if (modulus.empty()) return false;
  return std::ranges::all_of(kPrimes, [&](std::uint32_t prime) { return is_power(modulo(modulus, prime), prime); });
}

}  // namespace cloister::probe
