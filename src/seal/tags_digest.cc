#include "seal/tags_digest.h"

#include <algorithm>

namespace cloister::seal {

Result<crypto::Sha256Digest> read_tags_digest(const File& file, const Layout& layout) {
  constexpr std::uint64_t kPieceMax = std::uint64_t{1} << 20;
  crypto::Sha256 hash;
  Bytes piece;
  for (std::uint64_t group = 0; group < layout.group_count(); ++group) {
    std::uint64_t offset = layout.tag_offset(group * layout.group_chunks());
    std::uint64_t left = layout.chunks_in_group(group) * crypto::kTagSize;
    while (left > 0) {
      piece.resize(std::min(left, kPieceMax));
      CLOISTER_RETURN_IF_ERROR(file.read_at(offset, piece));
      hash.update(piece);
      offset += piece.size();
      left -= piece.size();
    }
  }
  return hash.finish();
}

}  // namespace cloister::seal
