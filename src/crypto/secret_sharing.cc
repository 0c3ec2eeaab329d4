#include "crypto/secret_sharing.h"

#include <array>

namespace cloister::crypto {
namespace {

// All ones where the lowest bit of `bit` is set.
std::uint8_t mask(unsigned bit) { return static_cast<std::uint8_t>(0U - (bit & 1U)); }

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  constexpr std::uint8_t kReduction = 0x1b;
  std::uint8_t product = 0;
  for (int bit = 7; bit >= 0; --bit) {
    const std::uint8_t carry = mask(product >> 7) & kReduction;
    product = static_cast<std::uint8_t>((product << 1) ^ carry ^ (mask(b >> bit) & a));
  }
  return product;
}

// a^254, which is 1/a: the exponent's bits are all set but the lowest.
std::uint8_t inverse(std::uint8_t a) {
  std::uint8_t result = a;
  for (int step = 0; step < 6; ++step) result = multiply(multiply(result, result), a);
  return multiply(result, result);
}

// What a share counts for at 0: the product of x_j / (x_j - x_i) over all others.
std::uint8_t weight(std::span<const KeyShare> shares, std::size_t of) {
  std::uint8_t numerator = 1, denominator = 1;
  for (std::size_t j = 0; j < shares.size(); ++j) {
    if (j == of) continue;
    numerator = multiply(numerator, shares[j].index);
    denominator = multiply(denominator, shares[j].index ^ shares[of].index);
  }
  return multiply(numerator, inverse(denominator));
}

Status check_indices(std::span<const KeyShare> shares) {
  if (shares.size() < kThresholdMin) return Error(Code::kInvalid, "one share alone makes no key");
  std::array<bool, kSharesMax + 1> seen{};
  for (const KeyShare& share : shares) {
    if (share.index == 0) return Error(Code::kInvalid, "a share has the index 0, where the key itself lies");
    if (seen[share.index]) return Error(Code::kInvalid, "share " + std::to_string(share.index) + " is there twice");
    seen[share.index] = true;
  }
  return {};
}

}  // namespace

Result<std::vector<KeyShare>> split_key(const KeyMaterial& key, unsigned count, unsigned threshold, Random& random) {
  if (threshold < kThresholdMin || threshold > count || count > kSharesMax) {
    return Error(Code::kInvalid, "a key is split into at most 255 shares, of which at least two are needed, not " +
                                     std::to_string(threshold) + " of " + std::to_string(count));
  }
  // The polynomials' other coefficients, the highest first. They may be zero: else a share would say something.
  Secret coefficients(std::size_t{threshold - 1} * kKeySize);
  random.fill(coefficients.expose_mutable());
  const ByteView at_zero = key.secret().expose();
  std::vector<KeyShare> shares;
  for (unsigned index = 1; index <= count; ++index) {
    const auto x = static_cast<std::uint8_t>(index);
    Secret value(kKeySize);
    const MutableByteView out = value.expose_mutable();
    for (std::size_t i = 0; i < coefficients.size(); ++i) {
      std::uint8_t& sum = out[i % kKeySize];
      sum = multiply(sum, x) ^ coefficients.expose()[i];
    }
    for (std::size_t i = 0; i < kKeySize; ++i) out[i] = multiply(out[i], x) ^ at_zero[i];
    CLOISTER_TRY(KeyMaterial material, KeyMaterial::from_secret(std::move(value)));
    shares.push_back(KeyShare{x, std::move(material)});
  }
  return shares;
}

Result<KeyMaterial> combine_shares(std::span<const KeyShare> shares) {
  CLOISTER_RETURN_IF_ERROR(check_indices(shares));
  Secret key(kKeySize);
  const MutableByteView out = key.expose_mutable();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::uint8_t factor = weight(shares, i);
    const ByteView value = shares[i].value.secret().expose();
    for (std::size_t byte = 0; byte < kKeySize; ++byte) out[byte] ^= multiply(value[byte], factor);
  }
  return KeyMaterial::from_secret(std::move(key));
}

}  // namespace cloister::crypto
