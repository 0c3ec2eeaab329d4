// SHA-256, SHA-384, SHA-512 and HMAC-SHA-256. FIPS 180-4, FIPS 198-1.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha384Digest = std::array<std::uint8_t, 48>;
using Sha512Digest = std::array<std::uint8_t, 64>;

Sha256Digest sha256(ByteView bytes);
Sha384Digest sha384(ByteView bytes);
Sha512Digest sha512(ByteView bytes);

// SHA-256 over bytes that come in pieces. One thread at a time.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void update(ByteView bytes);
  // The digest of everything so far; afterwards the object starts anew.
  Sha256Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest hmac_sha256(const Secret& key, ByteView bytes);

}  // namespace cloister::crypto
