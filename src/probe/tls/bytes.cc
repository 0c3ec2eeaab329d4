// TLS's own byte order.
#include "probe/tls/bytes.h"

namespace cloister::probe {

Result<std::uint32_t> TlsReader::integer(std::size_t size) {
  CLOISTER_TRY(const ByteView from, bytes(size));
  std::uint32_t value = 0;
  for (const std::uint8_t byte : from) value = value << 8 | byte;
  return value;
}

Result<std::uint8_t> TlsReader::u8() {
  CLOISTER_TRY(const std::uint32_t value, integer(1));
  return static_cast<std::uint8_t>(value);
}
Result<std::uint16_t> TlsReader::u16() {
  CLOISTER_TRY(const std::uint32_t value, integer(2));
  return static_cast<std::uint16_t>(value);
}
Result<std::uint32_t> TlsReader::u24() { return integer(3); }
Result<std::uint32_t> TlsReader::u32() { return integer(4); }

Result<ByteView> TlsReader::bytes(std::size_t size) {
  if (size > bytes_.size()) return Error(Code::kCorrupt, "a TLS message ends too early");
  const ByteView taken = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return taken;
}

Result<ByteView> TlsReader::vector8() {
  CLOISTER_TRY(const std::uint32_t size, integer(1));
  return bytes(size);
}
Result<ByteView> TlsReader::vector16() {
  CLOISTER_TRY(const std::uint32_t size, integer(2));
  return bytes(size);
}
Result<ByteView> TlsReader::vector24() {
  CLOISTER_TRY(const std::uint32_t size, integer(3));
  return bytes(size);
}

TlsWriter& TlsWriter::u8(std::uint8_t value) {
  bytes_.push_back(value);
  return *this;
}
TlsWriter& TlsWriter::u16(std::uint16_t value) { return length(value, 2); }

TlsWriter& TlsWriter::bytes(ByteView value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

TlsWriter& TlsWriter::length(std::size_t value, std::size_t size) {
  CLOISTER_CHECK(value >> (8 * size) == 0);
  while (size-- > 0) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
  return *this;
}

TlsWriter& TlsWriter::vector8(ByteView value) { return length(value.size(), 1).bytes(value); }
TlsWriter& TlsWriter::vector16(ByteView value) { return length(value.size(), 2).bytes(value); }
TlsWriter& TlsWriter::vector24(ByteView value) { return length(value.size(), 3).bytes(value); }

}  // namespace cloister::probe
