// The last page of a sealed object: length, count, digest of all tags. docs/formats/sealed-object.md, "Footer".
#pragma once

#include <optional>

#include "crypto/secret.h"
#include "seal/preamble.h"

namespace cloister::seal {

struct Footer {
  Id object_id{};
  Id run_id{};
  std::uint64_t plaintext_len = 0;
  std::uint64_t chunk_count = 0;
  crypto::Sha256Digest tags_digest{};
  std::optional<std::array<std::uint8_t, 48>> encrypted_digest;  // SHA-256 of the payload
};

using FooterPage = std::array<std::uint8_t, kPage>;

FooterPage serialize_footer(const Footer& footer, const crypto::Secret& footer_key);
// kCorrupt for a wrong mac or anything malformed. The mac is checked before the fields are looked at.
Result<Footer> parse_footer(ByteView page, const crypto::Secret& footer_key);

}  // namespace cloister::seal
