// RSA's public operation alone, on a number as it stands: what a probe for padding oracles needs, and nobody else.
#pragma once

#include <memory>

#include "base/bytes.h"

struct evp_pkey_st;

namespace cloister::crypto {

class RsaPublic {
 public:
  // The key of a DER certificate, of which nothing else is looked at. kInvalid when it isn't one; kUnsupported when its
  // key is of another kind or longer than 16384 bits.
  static Result<RsaPublic> of_certificate(ByteView der);

  std::size_t size_bytes() const;
  // `block` to the power of the exponent, as long as the modulus. kInvalid when `block` isn't as long, or its number
  // not below the modulus.
  Result<Bytes> insecure_apply_unpadded(ByteView block) const;

 private:
  explicit RsaPublic(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace cloister::crypto
