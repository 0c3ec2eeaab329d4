// Bytes as TPMs have them: big-endian, and sized buffers (TPM2B) of a u16 length and that many bytes.
#pragma once

#include "base/reader.h"

namespace cloister::attest {

// A view: the bytes must outlive it. Every failure is kCorrupt and names the field.
class TpmReader {
 public:
  explicit TpmReader(ByteView bytes) : reader_(bytes) {}

  std::size_t offset() const { return reader_.offset(); }
  Result<std::uint8_t> u8(std::string_view field) { return reader_.u8(field); }
  Result<std::uint16_t> u16(std::string_view field);
  Result<std::uint32_t> u32(std::string_view field);
  Result<std::uint64_t> u64(std::string_view field);
  Result<ByteView> bytes(std::size_t size, std::string_view field) { return reader_.bytes(size, field); }
  // A TPM2B of at most `size_max` bytes.
  Result<ByteView> sized(std::size_t size_max, std::string_view field);
  Status expect_end(std::string_view what) const { return reader_.expect_end(what); }

 private:
  Reader reader_;
};

class TpmWriter {
 public:
  TpmWriter& u8(std::uint8_t value);
  TpmWriter& u16(std::uint16_t value);
  TpmWriter& u32(std::uint32_t value);
  TpmWriter& u64(std::uint64_t value);
  TpmWriter& bytes(ByteView value);
  // More than 65535 bytes is a mistake of ours and stops the process.
  TpmWriter& sized(ByteView value);
  Bytes take() { return std::move(bytes_); }

 private:
  template <typename Integer>
  TpmWriter& integer(Integer value);
  Bytes bytes_;
};

}  // namespace cloister::attest
