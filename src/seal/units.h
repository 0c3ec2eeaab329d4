// How workers cut a payload: a unit is about a mebibyte of whole chunks of one group.
#pragma once

#include <algorithm>

#include "seal/layout.h"
#include "seal/object_keys.h"

namespace cloister::seal {

struct Units {
  explicit Units(const Layout& layout)
      : chunks_per_unit(
            std::clamp<std::uint64_t>((std::uint64_t{1} << 20) / layout.chunk_size(), 1, layout.group_chunks())),
        count((layout.chunk_count() + chunks_per_unit - 1) / chunks_per_unit),
        bytes_max(chunks_per_unit * layout.chunk_size()) {}

  std::uint64_t first_chunk(std::uint64_t unit) const { return unit * chunks_per_unit; }
  std::uint64_t chunks(std::uint64_t unit, const Layout& layout) const {
    return std::min(chunks_per_unit, layout.chunk_count() - first_chunk(unit));
  }
  // Plaintext bytes of the unit.
  std::uint64_t bytes(std::uint64_t unit, const Layout& layout) const {
    return std::min(bytes_max, layout.plaintext_len() - first_chunk(unit) * layout.chunk_size());
  }

  std::uint64_t chunks_per_unit;
  std::uint64_t count;
  std::uint64_t bytes_max;
};

// As many threads as asked for, as long as their buffers together stay below 32 MiB.
inline unsigned bounded_threads(unsigned threads, std::uint64_t buffer_bytes) {
  constexpr std::uint64_t kBuffersMax = std::uint64_t{32} << 20;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(kBuffersMax / buffer_bytes, 1, threads));
}

inline Last last_flag(std::uint64_t chunk, const Layout& layout) {
  return chunk + 1 == layout.chunk_count() ? Last::kYes : Last::kNo;
}

}  // namespace cloister::seal
