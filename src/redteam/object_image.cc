#include "redteam/object_image.h"

#include <algorithm>

namespace cloister::redteam {
namespace {

// docs/formats/sealed-object.md, "Preamble".
constexpr std::size_t kChecksumOff = 196;
constexpr std::size_t kMacOff = 4064;

}  // namespace

Result<ObjectImage> read_image(const Path& object) {
  CLOISTER_TRY(Bytes bytes, read_file(object, kImageMax));
  CLOISTER_TRY(const File file, File::open(object));
  CLOISTER_TRY(seal::ObjectOutline outline, seal::read_outline(file));
  if (outline.preamble.append_log || outline.preamble.plaintext_len == seal::kLengthUnknown) {
    return Error(Code::kInvalid, "only an object of known length can be attacked in every way");
  }
  CLOISTER_TRY(const seal::Layout layout, seal::Layout::create(outline.preamble, outline.preamble.plaintext_len));
  CLOISTER_RETURN_IF_ERROR(layout.check_file_size(bytes.size()));
  return ObjectImage{std::move(bytes), outline.preamble, std::move(outline.slots.newest), layout};
}

void repair_checksum(Bytes& object) {
  if (object.size() < seal::kPage) return;
  store_le(object.data() + kChecksumOff, std::uint32_t{0});
  store_le(object.data() + kChecksumOff, crc32c(ByteView(object).first(seal::kPage)));
}

Status put_slots(Bytes& object, const seal::Preamble& preamble, const seal::SlotTable& table) {
  CLOISTER_TRY(const Bytes copy, seal::serialize_slots(table, preamble.slots_cap));
  const auto start = object.begin() + static_cast<std::ptrdiff_t>(preamble.slots_off());
  std::ranges::copy(copy, std::ranges::copy(copy, start).out);
  return {};
}

void put_preamble(Bytes& object, const seal::Preamble& preamble) {
  const seal::PreamblePage page = seal::serialize_preamble(preamble);
  std::copy_n(page.begin(), kMacOff, object.begin());
  repair_checksum(object);
}

Result<Path> lay_out(const Path& folder, ByteView object) {
  const Path path = folder / "attacked.sealed";
  CLOISTER_TRY(auto replacement, FileReplacement::begin(path, Overwrite::kReplace, 0600));
  CLOISTER_RETURN_IF_ERROR(replacement.file().write_all(object));
  CLOISTER_RETURN_IF_ERROR(replacement.commit(FileReplacement::Durable::kNo));
  return path;
}

}  // namespace cloister::redteam
