// Bytes and keys from hexadecimal text in tests. A wrong digit is a mistake in the test and stops the process.
#pragma once

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::testing {

inline Bytes unhex(std::string_view text) {
  auto bytes = from_hex(text);
  CLOISTER_CHECK(bytes.ok());
  return std::move(bytes).value();
}

inline crypto::KeyMaterial key_of(ByteView bytes) {
  auto key = crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(bytes));
  CLOISTER_CHECK(key.ok());
  return std::move(key).value();
}

// 32 times the same byte.
inline crypto::KeyMaterial key_of_byte(std::uint8_t byte) { return key_of(Bytes(crypto::kKeySize, byte)); }

inline crypto::Secret secret_of(std::string_view text) { return crypto::Secret::copy_of(as_bytes(text)); }

}  // namespace cloister::testing
