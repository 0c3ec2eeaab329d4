#include "net/varint.h"

namespace cloister::net {

std::size_t varint_size(std::uint64_t value) {
  CLOISTER_CHECK(value <= kVarintMax);
  if (value < 1U << 6) return 1;
  if (value < 1U << 14) return 2;
  return value < 1U << 30 ? 4 : 8;
}

void append_varint(Buffer& out, std::uint64_t value) {
  const std::size_t size = varint_size(value);
  const std::uint8_t form = size == 1 ? 0x00 : size == 2 ? 0x40 : size == 4 ? 0x80 : 0xc0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
    out.push_back(i == 0 ? byte | form : byte);
  }
}

Result<std::uint64_t> read_varint(Reader& reader, std::string_view field) {
  CLOISTER_TRY(const std::uint8_t first, reader.u8(field));
  std::uint64_t value = first & 0x3f;
  CLOISTER_TRY(const ByteView rest, reader.bytes((std::size_t{1} << (first >> 6)) - 1, field));
  for (const std::uint8_t byte : rest) value = value << 8 | byte;
  return value;
}

}  // namespace cloister::net
