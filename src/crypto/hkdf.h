// HKDF-Expand with SHA-512, RFC 5869 2.3: from one uniformly random key to many, each under its own label.
#pragma once

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

// Up to 255 * 64 bytes. `key` is used as the pseudorandom key itself: it must be uniformly random.
Secret hkdf_expand_sha512(const Secret& key, ByteView info, std::size_t size);

// Builds an info in which no field can run into the next: each is preceded by its length (u16, little endian).
// The first field is the label; every label in Cloister is listed in docs/formats/labels.md.
class Info {
 public:
  explicit Info(std::string_view label);
  Info& field(ByteView bytes);
  Info& field_u16(std::uint16_t value);
  Info& field_u64(std::uint64_t value);
  ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace cloister::crypto
