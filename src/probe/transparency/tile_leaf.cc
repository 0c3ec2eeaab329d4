#include "probe/transparency/tile_leaf.h"

#include "audit/merkle.h"

namespace cloister::probe {
namespace {

constexpr std::uint64_t kCertificateEntry = 0;
constexpr std::uint64_t kPrecertificateEntry = 1;
constexpr std::size_t kFingerprintSize = 32;

Error malformed() { return Error(Code::kInvalid, "a data tile is malformed"); }

// Big-endian, as TLS writes.
class TileReader {
 public:
  explicit TileReader(ByteView bytes) : bytes_(bytes) {}
  std::size_t offset() const { return offset_; }
  bool at_end() const { return offset_ == bytes_.size(); }
  ByteView since(std::size_t start) const { return bytes_.subspan(start, offset_ - start); }

  Result<ByteView> take(std::size_t size) {
    if (bytes_.size() - offset_ < size) return malformed();
    offset_ += size;
    return bytes_.subspan(offset_ - size, size);
  }
  Result<std::uint64_t> number(std::size_t size) {
    CLOISTER_TRY(const ByteView bytes, take(size));
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
  }
  Result<ByteView> prefixed(std::size_t size) {
    CLOISTER_TRY(const std::uint64_t count, number(size));
    return take(static_cast<std::size_t>(count));
  }

 private:
  ByteView bytes_;
  std::size_t offset_ = 0;
};

// MerkleTreeLeaf, RFC 6962 3.4: version 1, timestamped_entry, and the entry as it stands in the tile.
crypto::Sha256Digest hash_of(ByteView timestamped_entry) {
  Bytes leaf{0, 0};
  leaf.insert(leaf.end(), timestamped_entry.begin(), timestamped_entry.end());
  return audit::leaf_hash(leaf);
}

Result<TileLeaf> read_leaf(TileReader& reader) {
  TileLeaf leaf;
  const std::size_t start = reader.offset();
  CLOISTER_TRY(const std::uint64_t at, reader.number(8));
  CLOISTER_TRY(const std::uint64_t type, reader.number(2));
  if (at > INT64_MAX || (type != kCertificateEntry && type != kPrecertificateEntry)) return malformed();
  leaf.at = Time{static_cast<std::int64_t>(at)};
  leaf.precertificate = type == kPrecertificateEntry;
  if (leaf.precertificate) CLOISTER_RETURN_IF_ERROR(reader.take(kFingerprintSize));  // issuer_key_hash
  CLOISTER_TRY(const ByteView signed_part, reader.prefixed(3));
  CLOISTER_RETURN_IF_ERROR(reader.prefixed(2));  // extensions
  leaf.leaf_hash = hash_of(reader.since(start));
  leaf.certificate = to_bytes(signed_part);
  if (leaf.precertificate) {
    CLOISTER_TRY(const ByteView precertificate, reader.prefixed(3));
    leaf.certificate = to_bytes(precertificate);
  }
  CLOISTER_TRY(const ByteView chain, reader.prefixed(2));
  if (chain.size() % kFingerprintSize != 0) return malformed();
  return leaf;
}

// Three digits a step, all but the last with an x.
std::string tile_path(const std::string& level, std::uint64_t index, std::size_t width) {
  const auto three = [](std::uint64_t number) {
    std::string digits = std::to_string(number);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string path = three(index % 1000);
  for (index /= 1000; index > 0; index /= 1000) path = "x" + three(index % 1000) + "/" + path;
  return "tile/" + level + "/" + path + (width < kTileEntries ? ".p/" + std::to_string(width) : "");
}

}  // namespace

Result<std::vector<TileLeaf>> parse_data_tile(ByteView bytes, std::size_t count) {
  if (bytes.size() > kTileSizeMax || count > kTileEntries) return malformed();
  std::vector<TileLeaf> leaves;
  TileReader reader(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    CLOISTER_TRY(TileLeaf leaf, read_leaf(reader));
    leaves.push_back(std::move(leaf));
  }
  if (!reader.at_end()) return malformed();
  return leaves;
}

std::string data_tile_path(std::uint64_t index, std::size_t width) { return tile_path("data", index, width); }

std::string hash_tile_path(unsigned level, std::uint64_t index, std::size_t width) {
  return tile_path(std::to_string(level), index, width);
}

}  // namespace cloister::probe
