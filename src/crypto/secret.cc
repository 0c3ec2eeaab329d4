#include "crypto/secret.h"

#include <openssl/crypto.h>

#include <utility>

#include "crypto/random.h"
#include "crypto/secure_memory.h"

namespace cloister::crypto {

Secret::Secret(std::size_t size) : data_(size == 0 ? nullptr : allocate_secure(size)), size_(size) {}

Secret Secret::copy_of(ByteView bytes) {
  Secret secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.data_, bytes.data(), bytes.size());
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  release_secure(data_, size_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

Secret::~Secret() { release_secure(data_, size_); }

void wipe(MutableByteView bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

KeyMaterial KeyMaterial::random(Random& random) {
  Secret secret(kKeySize);
  random.fill(secret.expose_mutable());
  return KeyMaterial(std::move(secret));
}

Result<KeyMaterial> KeyMaterial::from_secret(Secret secret) {
  if (secret.size() != kKeySize) {
    return Error(Code::kInvalid, "a key is 32 bytes, this one has " + std::to_string(secret.size()));
  }
  return KeyMaterial(std::move(secret));
}

KeyMaterial KeyMaterial::duplicate() const { return KeyMaterial(Secret::copy_of(secret_.expose())); }

}  // namespace cloister::crypto
