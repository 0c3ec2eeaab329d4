// Key bytes and the types that keep them apart.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace cloister::crypto {

class Random;

// Bytes that must not leak: kept in memory of their own (locked, left out of core dumps), wiped when freed.
// Moves, doesn't copy, print or compare. expose() is the only way in, and its uses are counted per file.
class Secret {
 public:
  Secret() = default;
  // Zeroed. Stops the process when secure memory is exhausted.
  explicit Secret(std::size_t size);
  // Copies; the caller wipes its own copy (see wipe()).
  static Secret copy_of(ByteView bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  ByteView expose() const { return {data_, size_}; }
  MutableByteView expose_mutable() { return {data_, size_}; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites in a way the compiler keeps.
void wipe(MutableByteView bytes);

// True when equal, in time that depends on the sizes only.
bool equal_constant_time(ByteView a, ByteView b);

inline constexpr std::size_t kKeySize = 32;

// A 256-bit symmetric key of no particular job: what wrapping carries. Turn it into a named key at once.
class KeyMaterial {
 public:
  static KeyMaterial random(Random& random);
  // kInvalid unless exactly 32 bytes.
  static Result<KeyMaterial> from_secret(Secret secret);

  const Secret& secret() const { return secret_; }
  KeyMaterial duplicate() const;

 private:
  explicit KeyMaterial(Secret secret) : secret_(std::move(secret)) {}
  Secret secret_;
};

// A key with one job. `Job` only tells types apart: a Kek can't be passed where a Dek is due.
template <typename Job>
class NamedKey {
 public:
  static NamedKey random(Random& random) { return NamedKey(KeyMaterial::random(random)); }
  explicit NamedKey(KeyMaterial material) : material_(std::move(material)) {}

  const KeyMaterial& material() const { return material_; }
  NamedKey duplicate() const { return NamedKey(material_.duplicate()); }

 private:
  KeyMaterial material_;
};

using Dek = NamedKey<struct DekJob>;                // data-encryption key: one per sealed object or log run
using DatasetKey = NamedKey<struct DatasetKeyJob>;  // wraps DEKs; lives in the dataset's keyring
using RingKey = NamedKey<struct RingKeyJob>;        // wraps the dataset keys of one keyring; itself wrapped by the KEK
using Kek = NamedKey<struct KekJob>;                // key-encryption key of a tenant
using RootKey = NamedKey<struct RootKeyJob>;        // wraps KEKs, when the root is software

}  // namespace cloister::crypto
