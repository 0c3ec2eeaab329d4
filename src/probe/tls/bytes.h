// TLS's own byte order: integers and lengths big-endian, vectors behind their length. RFC 8446 section 3.
#pragma once

#include "base/bytes.h"

namespace cloister::probe {

// A view: the bytes must outlive it. Every failure is kCorrupt.
class TlsReader {
 public:
  explicit TlsReader(ByteView bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }
  std::size_t remaining() const { return bytes_.size(); }
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u24();
  Result<std::uint32_t> u32();
  Result<ByteView> bytes(std::size_t size);
  // A length of that many bytes, and what it counts.
  Result<ByteView> vector8();
  Result<ByteView> vector16();
  Result<ByteView> vector24();

 private:
  Result<std::uint32_t> integer(std::size_t size);
  ByteView bytes_;
};

class TlsWriter {
 public:
  TlsWriter& u8(std::uint8_t value);
  TlsWriter& u16(std::uint16_t value);
  TlsWriter& bytes(ByteView value);
  // Longer than the length can say is a mistake of ours and stops the process.
  TlsWriter& vector8(ByteView value);
  TlsWriter& vector16(ByteView value);
  TlsWriter& vector24(ByteView value);
  TlsWriter& text8(std::string_view value) { return vector8(as_bytes(value)); }

  const Bytes& view() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  TlsWriter& length(std::size_t value, std::size_t size);
  Bytes bytes_;
};

}  // namespace cloister::probe
