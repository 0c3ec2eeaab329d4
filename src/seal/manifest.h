// The signed list of what a sealed directory holds. docs/formats/manifest.md.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/signature.h"
#include "seal/preamble.h"

namespace cloister::seal {

inline constexpr std::string_view kManifestName = "manifest.sealed";
inline constexpr std::string_view kManifestContentType = "application/vnd.cloister.manifest";

struct ManifestEntry {
  std::string stored_name;
  std::string original_name;
  std::uint64_t plaintext_len = 0;
  std::uint32_t mode = 0;
  Id object_id{};
  crypto::Sha256Digest object_digest{};
};

struct Manifest {
  Id keyring_id{};
  Id directory_id{};
  std::uint64_t sequence = 1;
  Time created;
  std::vector<ManifestEntry> entries;  // sorted by stored_name when serialised
};

// MF-4.
inline constexpr std::uint64_t kManifestEntriesMax = 16'777'216;
inline constexpr std::uint64_t kManifestBytesMax = std::uint64_t{4} << 30;
// Of a manifest with so many entries, whose stored and original names have `name_bytes` in all.
constexpr std::uint64_t manifest_size(std::uint64_t entries, std::uint64_t name_bytes) {
  constexpr std::uint64_t kHead = 68, kEntry = 64, kSignature = 96;
  return kHead + entries * kEntry + name_bytes + kSignature;
}
// kInvalid when no reader would take it.
Status check_manifest_size(std::uint64_t entries, std::uint64_t name_bytes);

Bytes serialize_manifest(const Manifest& manifest, const crypto::SigningKey& key);
// MF-1: verifies the signature by `key` before anything else. kCorrupt for anything wrong.
Result<Manifest> parse_manifest(ByteView bytes, const crypto::Ed25519PublicKey& key);
// True for a relative name that stays inside: no empty part, no ".", no "..".
bool is_safe_relative_name(std::string_view name);

}  // namespace cloister::seal
