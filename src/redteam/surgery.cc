// RT-K14: every field of the head is changed, and every part cut, moved, doubled and put in from elsewhere.
#include <algorithm>

#include "redteam/object_attacks.h"
#include "redteam/object_image.h"

namespace cloister::redteam {
namespace {

constexpr std::uint64_t kChunksTried = 16;  // of a large object: its first ones
constexpr std::size_t kDenseHead = 360;     // where a preamble has its fields, and a slot its own
constexpr std::size_t kStride = 61;         // elsewhere one byte in so many is changed
constexpr std::string_view kRemedy =
    "an object that was changed opens: keep the copy that opened, and stop trusting this build's reader";

class Surgery {
 public:
  Surgery(const Field& field, const SurgeryTarget& target, ObjectImage object, ObjectImage sibling)
      : field_(field),
        target_(target),
        object_(std::move(object)),
        sibling_(std::move(sibling)),
        tally_(field, "RT-K14", std::string(kRemedy)) {}

  Report run() && {
    tally_.honest("the object as it is", opened(object_.bytes));
    cut_and_extend();
    change_head();
    change_slots();
    change_data();
    move_chunks();
    splice();
    return std::move(tally_).finish();
  }

 private:
  using Position = std::size_t;

  Status opened(ByteView image) {
    CLOISTER_TRY(const Path path, lay_out(field_.folder, image));
    const auto came = target_.open(path);
    return came.ok() ? Status() : Status(came.error());
  }
  void attack(const std::string& what, ByteView image) {
    if (!tally_.over()) tally_.attack(what, opened(image));
  }
  void flip(const std::string& what, Position position) {
    Bytes changed = object_.bytes;
    changed[position] ^= 1;
    attack(what + " byte " + std::to_string(position), changed);
  }

  void cut_and_extend() {
    const Bytes& all = object_.bytes;
    const auto footer = static_cast<Position>(object_.layout.footer_offset());
    for (const Position size :
         {Position{0}, Position{1}, Position{seal::kPage - 1}, Position{seal::kPage},
          static_cast<Position>(object_.preamble.data_off()), footer / 2, footer, all.size() - 1}) {
      attack("cut to " + std::to_string(size) + " bytes", ByteView(all).first(size));
    }
    for (const Position more : {Position{1}, Position{seal::kPage}}) {
      Bytes longer = all;
      longer.resize(all.size() + more);
      attack("extended by " + std::to_string(more) + " bytes", longer);
    }
    Bytes twice = all;
    twice.insert(twice.end(), all.begin() + static_cast<std::ptrdiff_t>(footer), all.end());
    attack("with two footers", twice);
  }

  void change_head() {
    for (Position at = 0; at < seal::kPage; at += at < kDenseHead ? 1 : kStride) {
      flip("head changed:", at);
      if (at >= 196 && at < 200) continue;  // the checksum itself
      Bytes changed = object_.bytes;
      changed[at] ^= 1;
      repair_checksum(changed);
      attack("head changed, checksum made right: byte " + std::to_string(at), changed);
    }
  }

  // The same byte of both copies: damage to one alone is repaired by the other.
  void change_slots() {
    const Position copy = object_.slot_area_size() / 2;
    for (Position at = 0; at < copy; at += at < kDenseHead ? 5 : kStride) {
      Bytes changed = object_.bytes;
      changed[object_.slot_area() + at] ^= 1;
      changed[object_.slot_area() + copy + at] ^= 1;
      attack("slots changed: byte " + std::to_string(at), changed);
    }
    for (Position at = 0; !object_.slots.slots.empty() && at < object_.slots.slots.front().wrapped.ciphertext.size();
         at += 3) {
      seal::SlotTable table = object_.slots;
      for (seal::Slot& slot : table.slots) {
        if (at < slot.wrapped.ciphertext.size()) slot.wrapped.ciphertext[at] ^= 1;
      }
      Bytes changed = object_.bytes;
      const Status put = put_slots(changed, object_.preamble, table);
      if (!put.ok()) return tally_.cannot(put.error().message());
      attack("wrapped keys changed, checksum made right: byte " + std::to_string(at), changed);
    }
  }

  void change_data() {
    for (Position at = 0; at < object_.preamble.meta_len; at += 7) {
      flip("metadata changed:", static_cast<Position>(object_.preamble.meta_off()) + at);
    }
    for (std::uint64_t chunk = 0; chunk < tried(); ++chunk) {
      const Position start = position_of(chunk);
      const Position length = object_.layout.chunk_length(chunk);
      for (const Position at : {start, start + length / 2, start + length - 1}) flip("ciphertext changed:", at);
      for (Position at = 0; at < 16; at += 5) flip("tag changed:", tag_of(chunk) + at);
    }
    const auto footer = static_cast<Position>(object_.layout.footer_offset());
    for (Position at = 0; at < seal::kPage; at += at < 128 ? 1 : kStride) flip("footer changed:", footer + at);
  }

  void move_chunks() {
    if (tried() < 3) return tally_.cannot("the object has too few chunks to move them");
    for (std::uint64_t to = 0; to + 1 < tried(); ++to) {
      const std::uint64_t from = (to + 1) % (tried() - 1);  // the last may be shorter
      Bytes doubled = object_.bytes;
      copy_chunk(object_.bytes, from, doubled, to);
      attack("chunk " + std::to_string(from) + " in the place of " + std::to_string(to), doubled);
      copy_chunk(object_.bytes, to, doubled, from);
      attack("chunks " + std::to_string(from) + " and " + std::to_string(to) + " swapped", doubled);
    }
  }

  void splice() {
    if (sibling_.bytes.size() != object_.bytes.size()) return tally_.cannot("the sibling is of another length");
    for (std::uint64_t chunk = 0; chunk < tried(); ++chunk) {
      Bytes changed = object_.bytes;
      copy_chunk(sibling_.bytes, chunk, changed, chunk);
      attack("chunk " + std::to_string(chunk) + " of another object", changed);
    }
    const auto data = static_cast<Position>(object_.preamble.data_off());
    const auto meta = static_cast<Position>(object_.preamble.meta_off());
    const auto footer = static_cast<Position>(object_.layout.footer_offset());
    splice_part("head", 0, seal::kPage);
    splice_part("wrapped keys", seal::kPage, meta);
    splice_part("head and wrapped keys", 0, meta);
    splice_part("metadata", meta, data);
    splice_part("payload", data, footer);
    splice_part("footer", footer, object_.bytes.size());
    splice_part("payload and footer", data, object_.bytes.size());
  }
  void splice_part(const std::string& what, Position from, Position to) {
    Bytes changed = object_.bytes;
    const auto part = ByteView(sibling_.bytes).subspan(from, to - from);
    if (equal(part, ByteView(changed).subspan(from, to - from))) return;
    std::ranges::copy(part, changed.begin() + static_cast<std::ptrdiff_t>(from));
    attack(what + " of another object", changed);
  }

  std::uint64_t tried() const { return std::min(kChunksTried, object_.layout.chunk_count()); }
  Position position_of(std::uint64_t chunk) const { return static_cast<Position>(object_.layout.chunk_offset(chunk)); }
  Position tag_of(std::uint64_t chunk) const { return static_cast<Position>(object_.layout.tag_offset(chunk)); }
  void copy_chunk(const Bytes& from, std::uint64_t which, Bytes& to, std::uint64_t where) const {
    const std::size_t length = std::min(object_.layout.chunk_length(which), object_.layout.chunk_length(where));
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(position_of(which)), length,
                to.begin() + static_cast<std::ptrdiff_t>(position_of(where)));
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(tag_of(which)), 16,
                to.begin() + static_cast<std::ptrdiff_t>(tag_of(where)));
  }

  const Field& field_;
  const SurgeryTarget& target_;
  const ObjectImage object_, sibling_;
  Tally tally_;
};

}  // namespace

Report run_surgery(const Field& field, const SurgeryTarget& target) {
  auto object = read_image(target.object);
  if (!object.ok()) return not_run("RT-K14", object.error().message());
  auto sibling = read_image(target.sibling);
  if (!sibling.ok()) return not_run("RT-K14", sibling.error().message());
  return Surgery(field, target, std::move(*object), std::move(*sibling)).run();
}

}  // namespace cloister::redteam
