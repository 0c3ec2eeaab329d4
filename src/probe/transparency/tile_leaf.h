// Entries of a certificate log as it publishes them in data tiles: c2sp.org/static-ct-api.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace cloister::probe {

inline constexpr std::size_t kTileEntries = 256;
inline constexpr std::size_t kTileSizeMax = std::size_t{64} << 20;

struct TileLeaf {
  Time at;
  bool precertificate = false;
  Bytes certificate;  // DER of the certificate, or of the precertificate itself
  crypto::Sha256Digest leaf_hash{};
};

// Exactly `count` entries, one after the other. kInvalid for anything else.
Result<std::vector<TileLeaf>> parse_data_tile(ByteView bytes, std::size_t count);

// "tile/data/x001/x234/067", with ".p/W" behind it for a tile of W < 256 entries.
std::string data_tile_path(std::uint64_t index, std::size_t width);
// "tile/0/x001/x234/067".
std::string hash_tile_path(unsigned level, std::uint64_t index, std::size_t width);

}  // namespace cloister::probe
