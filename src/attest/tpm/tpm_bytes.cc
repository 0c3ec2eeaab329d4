#include "attest/tpm/tpm_bytes.h"

#include <limits>

namespace cloister::attest {
namespace {

template <typename Integer>
Result<Integer> big_endian(Reader& reader, std::string_view field) {
  CLOISTER_TRY(const ByteView raw, reader.bytes(sizeof(Integer), field));
  Integer value = 0;
  for (const std::uint8_t byte : raw) value = static_cast<Integer>(value << 8 | byte);
  return value;
}

}  // namespace

Result<std::uint16_t> TpmReader::u16(std::string_view field) { return big_endian<std::uint16_t>(reader_, field); }
Result<std::uint32_t> TpmReader::u32(std::string_view field) { return big_endian<std::uint32_t>(reader_, field); }
Result<std::uint64_t> TpmReader::u64(std::string_view field) { return big_endian<std::uint64_t>(reader_, field); }

Result<ByteView> TpmReader::sized(std::size_t size_max, std::string_view field) {
  CLOISTER_TRY(const std::uint16_t size, u16(field));
  if (size > size_max) {
    return Error(Code::kCorrupt,
                 std::string(field) + " is " + std::to_string(size) + " bytes, at most " + std::to_string(size_max));
  }
  return reader_.bytes(size, field);
}

template <typename Integer>
TpmWriter& TpmWriter::integer(Integer value) {
  for (std::size_t i = sizeof value; i-- > 0;) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

TpmWriter& TpmWriter::u8(std::uint8_t value) { return integer(value); }
TpmWriter& TpmWriter::u16(std::uint16_t value) { return integer(value); }
TpmWriter& TpmWriter::u32(std::uint32_t value) { return integer(value); }
TpmWriter& TpmWriter::u64(std::uint64_t value) { return integer(value); }

TpmWriter& TpmWriter::bytes(ByteView value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

TpmWriter& TpmWriter::sized(ByteView value) {
  CLOISTER_CHECK(value.size() <= std::numeric_limits<std::uint16_t>::max());
  return u16(static_cast<std::uint16_t>(value.size())).bytes(value);
}

}  // namespace cloister::attest
