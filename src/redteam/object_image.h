// A sealed object as bytes that an attacker has: what can be seen without a key, and what to change it to.
#pragma once

#include "seal/layout.h"
#include "seal/preamble.h"
#include "seal/reader.h"

namespace cloister::redteam {

inline constexpr std::uint64_t kImageMax = std::uint64_t{16} << 20;

struct ObjectImage {
  Bytes bytes;
  seal::Preamble preamble;
  seal::SlotTable slots;
  seal::Layout layout;

  std::size_t slot_area() const { return static_cast<std::size_t>(preamble.slots_off()); }
  std::size_t slot_area_size() const { return 2 * std::size_t{preamble.slots_cap}; }
};

// kInvalid for an append log, an object of unknown length and one over kImageMax.
Result<ObjectImage> read_image(const Path& object);

// The checksum of the first page, made right again: it guards against accidents, not against attackers.
void repair_checksum(Bytes& object);
// That table in both places, with right checksums.
Status put_slots(Bytes& object, const seal::Preamble& preamble, const seal::SlotTable& table);
// The preamble in the place of the one there, its checksum right and its mac the old one.
void put_preamble(Bytes& object, const seal::Preamble& preamble);

// Writes the image to a new file in the folder, and gives its path. The next one replaces it.
Result<Path> lay_out(const Path& folder, ByteView object);

}  // namespace cloister::redteam
