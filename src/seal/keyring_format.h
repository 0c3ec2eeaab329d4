// Bytes of a keyring to its parts and back. docs/formats/keyring.md. Used by keyring*.cc alone.
#pragma once

#include "base/reader.h"
#include "seal/keyring.h"

namespace cloister::seal {

inline constexpr std::size_t kWrappedSeedSize = 72;

struct SealedSeed {
  std::array<std::uint8_t, 32> commitment{};
  std::array<std::uint8_t, kWrappedSeedSize> wrapped{};
};

struct KeyringParts {
  KeyringOutline outline;
  std::array<std::uint8_t, 32> ring_commitment{};
  SealedSeed signing;
  std::vector<SealedSeed> recipients;  // in the order of outline.recipients
  crypto::Sha256Digest mac{};
  std::size_t mac_offset = 0;
};

Result<KeyringParts> parse_keyring_parts(ByteView bytes);
// Everything but the mac.
Bytes serialize_keyring_parts(const KeyringParts& parts);

}  // namespace cloister::seal
