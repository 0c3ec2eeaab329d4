// Reads bytes from outside: every read is checked against what is left, so a parser can't run past the end.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister {

// A view: the bytes must outlive it. All integers are little endian. Every failure is kCorrupt and names the field.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  std::size_t remaining() const { return bytes_.size() - offset_; }
  std::size_t offset() const { return offset_; }
  bool at_end() const { return remaining() == 0; }

  Result<std::uint8_t> u8(std::string_view field);
  Result<std::uint16_t> u16(std::string_view field);
  Result<std::uint32_t> u32(std::string_view field);
  Result<std::uint64_t> u64(std::string_view field);
  // Exactly `size` bytes.
  Result<ByteView> bytes(std::size_t size, std::string_view field);
  // A u16 length and that many bytes, at most `size_max`.
  Result<ByteView> prefixed16(std::size_t size_max, std::string_view field);
  // The same, as text: valid UTF-8 without control characters.
  Result<std::string> text16(std::size_t size_max, std::string_view field);
  // Copies exactly out.size() bytes.
  Status fill(MutableByteView out, std::string_view field);
  // kCorrupt unless the next `size` bytes are zero.
  Status zeros(std::size_t size, std::string_view field);
  // kCorrupt unless everything was read.
  Status expect_end(std::string_view what) const;

 private:
  template <typename Integer>
  Result<Integer> integer(std::string_view field);

  ByteView bytes_;
  std::size_t offset_ = 0;
};

// True for well-formed UTF-8 (RFC 3629) without C0 and C1 control characters.
bool is_plain_utf8(std::string_view text);

// Builds what a Reader reads.
class Writer {
 public:
  Writer& u8(std::uint8_t value);
  Writer& u16(std::uint16_t value);
  Writer& u32(std::uint32_t value);
  Writer& u64(std::uint64_t value);
  Writer& bytes(ByteView value);
  // A u16 length and the bytes. More than 65535 bytes is a mistake of ours and stops the process.
  Writer& prefixed16(ByteView value);
  Writer& text16(std::string_view value) { return prefixed16(as_bytes(value)); }
  Writer& zeros(std::size_t size);

  std::size_t size() const { return bytes_.size(); }
  const Bytes& view() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace cloister
