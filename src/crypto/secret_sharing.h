// Shamir's secret sharing of a key over GF(2^8): any `threshold` of its shares make the key, fewer say nothing about
// it.
#pragma once

#include <span>
#include <vector>

#include "crypto/random.h"
#include "crypto/secret.h"

namespace cloister::crypto {

inline constexpr unsigned kSharesMax = 255;   // one for each non-zero element of the field
inline constexpr unsigned kThresholdMin = 2;  // of one, every share would be the key

// A point of the key's polynomials: of each of its 32 bytes, one of its own. Field and order as AES has them
// (x^8 + x^4 + x^3 + x + 1), the key at 0: the shares of HashiCorp Vault and of sss-like programs are the same.
struct KeyShare {
  std::uint8_t index = 0;  // 1 to 255; no secret
  KeyMaterial value;
};

// Shares 1 to `count`. kInvalid unless 2 <= threshold <= count <= 255. Neither tables nor branches depend on the key.
Result<std::vector<KeyShare>> split_key(const KeyMaterial& key, unsigned count, unsigned threshold, Random& random);

// The key on the polynomial through all of `shares`. kInvalid for fewer than two, an index of 0, or one that is there
// twice. Too few shares, or a wrong one among them, make another key: nothing here can tell, so hold what comes back
// against a commitment.
Result<KeyMaterial> combine_shares(std::span<const KeyShare> shares);

}  // namespace cloister::crypto
