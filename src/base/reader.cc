#include "base/reader.h"

namespace cloister {

template <typename Integer>
Result<Integer> Reader::integer(std::string_view field) {
  CLOISTER_TRY(const ByteView raw, bytes(sizeof(Integer), field));
  return load_le<Integer>(raw.data());
}

Result<std::uint8_t> Reader::u8(std::string_view field) { return integer<std::uint8_t>(field); }
Result<std::uint16_t> Reader::u16(std::string_view field) { return integer<std::uint16_t>(field); }
Result<std::uint32_t> Reader::u32(std::string_view field) { return integer<std::uint32_t>(field); }
Result<std::uint64_t> Reader::u64(std::string_view field) { return integer<std::uint64_t>(field); }

Result<ByteView> Reader::bytes(std::size_t size, std::string_view field) {
  if (size > remaining()) {
    return Error(Code::kCorrupt, std::string(field) + " needs " + std::to_string(size) + " bytes, " +
                                     std::to_string(remaining()) + " are left");
  }
  const ByteView view = bytes_.subspan(offset_, size);
  offset_ += size;
  return view;
}

Result<ByteView> Reader::prefixed16(std::size_t size_max, std::string_view field) {
  CLOISTER_TRY(const std::uint16_t size, u16(field));
  if (size > size_max) {
    return Error(Code::kCorrupt,
                 std::string(field) + " is " + std::to_string(size) + " bytes, at most " + std::to_string(size_max));
  }
  return bytes(size, field);
}

Result<std::string> Reader::text16(std::size_t size_max, std::string_view field) {
  CLOISTER_TRY(const ByteView raw, prefixed16(size_max, field));
  if (!is_plain_utf8(as_text(raw))) return Error(Code::kCorrupt, std::string(field) + " is not plain UTF-8 text");
  return std::string(as_text(raw));
}

Status Reader::fill(MutableByteView out, std::string_view field) {
  CLOISTER_TRY(const ByteView raw, bytes(out.size(), field));
  if (!raw.empty()) std::memcpy(out.data(), raw.data(), raw.size());
  return {};
}

Status Reader::zeros(std::size_t size, std::string_view field) {
  CLOISTER_TRY(const ByteView raw, bytes(size, field));
  if (!all_zero(raw)) return Error(Code::kCorrupt, std::string(field) + " is not zero");
  return {};
}

Status Reader::expect_end(std::string_view what) const {
  if (at_end()) return {};
  return Error(Code::kCorrupt, std::to_string(remaining()) + " bytes follow the end of " + std::string(what));
}

bool is_plain_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    const unsigned char lead = *p;
    if (lead < 0x20 || lead == 0x7F) return false;
    if (lead < 0x80) {
      ++p;
      continue;
    }
    const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || end - p <= extra) return false;
    std::uint32_t point = lead & (0x3Fu >> extra);
    for (int i = 1; i <= extra; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
      point = point << 6 | (p[i] & 0x3Fu);
    }
    static constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[extra] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    if (point < 0xA0) return false;
    p += extra + 1;
  }
  return true;
}

Writer& Writer::u8(std::uint8_t value) {
  bytes_.push_back(value);
  return *this;
}

namespace {
template <typename Integer>
void append_le(Bytes& bytes, Integer value) {
  std::uint8_t raw[sizeof value];
  store_le(raw, value);
  bytes.insert(bytes.end(), raw, raw + sizeof value);
}
}  // namespace

Writer& Writer::u16(std::uint16_t value) {
  append_le(bytes_, value);
  return *this;
}
Writer& Writer::u32(std::uint32_t value) {
  append_le(bytes_, value);
  return *this;
}
Writer& Writer::u64(std::uint64_t value) {
  append_le(bytes_, value);
  return *this;
}
Writer& Writer::bytes(ByteView value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}
Writer& Writer::prefixed16(ByteView value) {
  CLOISTER_CHECK(value.size() <= 0xFFFF);
  return u16(static_cast<std::uint16_t>(value.size())).bytes(value);
}
Writer& Writer::zeros(std::size_t size) {
  bytes_.insert(bytes_.end(), size, 0);
  return *this;
}

}  // namespace cloister
