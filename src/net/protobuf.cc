#include "net/protobuf.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::net {
namespace {

constexpr std::size_t kVarintSizeMax = 10;
constexpr std::uint32_t kNumberMax = (1U << 29) - 1;

Error invalid(const char* what) { return Error(Code::kInvalid, std::string("the message ") + what); }

}  // namespace

Result<ByteView> ProtobufField::as_message(std::string_view name) const {
  if (wire != Wire::kBytes) return Error(Code::kInvalid, std::string(name) + " is of another kind");
  return bytes;
}

Result<std::string_view> ProtobufField::as_string(std::string_view name, std::size_t size_max) const {
  CLOISTER_TRY(const ByteView text, as_message(name));
  if (text.size() > size_max) {
    return Error(Code::kInvalid, std::string(name) + " has more than " + std::to_string(size_max) + " bytes");
  }
  if (!is_plain_utf8(as_text(text))) return Error(Code::kInvalid, std::string(name) + " isn't plain text");
  return as_text(text);
}

Result<std::uint64_t> ProtobufReader::varint() {
  std::uint64_t value = 0;
  const std::size_t size = std::min(rest_.size(), kVarintSizeMax);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint8_t byte = rest_[i];
    // Of the tenth byte there is room for one bit.
    if (i + 1 == kVarintSizeMax && byte > 1) break;
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    rest_ = rest_.subspan(i + 1);
    return value;
  }
  return invalid("holds a number without an end");
}

Result<std::uint64_t> ProtobufReader::fixed(std::size_t size) {
  if (rest_.size() < size) return invalid("ends within a field");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{rest_[i]} << (8 * i);
  rest_ = rest_.subspan(size);
  return value;
}

Result<std::optional<ProtobufField>> ProtobufReader::next() {
  if (rest_.empty()) return std::optional<ProtobufField>();
  if (++fields_ > kFieldsMax) return invalid("has more fields than are taken");
  CLOISTER_TRY(const std::uint64_t tag, varint());
  ProtobufField field;
  if ((tag >> 3) == 0 || (tag >> 3) > kNumberMax) return invalid("has a field of no possible number");
  field.number = static_cast<std::uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0: {
      CLOISTER_TRY(field.value, varint());
      break;
    }
    case 1: {
      CLOISTER_TRY(field.value, fixed(8));
      break;
    }
    case 2: {
      CLOISTER_TRY(const std::uint64_t size, varint());
      if (size > rest_.size()) return invalid("ends within a field");
      field.bytes = rest_.first(static_cast<std::size_t>(size));
      rest_ = rest_.subspan(static_cast<std::size_t>(size));
      break;
    }
    case 5: {
      CLOISTER_TRY(field.value, fixed(4));
      break;
    }
    default: return invalid("has a field of a kind that isn't taken");
  }
  field.wire = static_cast<ProtobufField::Wire>(tag & 7);
  return std::optional(field);
}

Result<ProtobufEntry> read_entry(ByteView entry, std::size_t key_max) {
  ProtobufReader reader(entry);
  ProtobufEntry read;
  while (true) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return read;
    if (field->number == 1) {
      CLOISTER_TRY(read.key, field->as_string("an entry's key", key_max));
    } else if (field->number == 2) {
      CLOISTER_TRY(read.value, field->as_message("an entry's value"));
    }
  }
}

void ProtobufWriter::varint(std::uint64_t value) {
  for (; value > 0x7F; value >>= 7) out_->push_back(static_cast<std::uint8_t>(value | 0x80));
  out_->push_back(static_cast<std::uint8_t>(value));
}

ProtobufWriter& ProtobufWriter::bytes(std::uint32_t number, ByteView value) {
  return value.empty() ? *this : present(number, value);
}

ProtobufWriter& ProtobufWriter::present(std::uint32_t number, ByteView value) {
  varint(std::uint64_t{number} << 3 | 2);
  varint(value.size());
  append(*out_, value);
  return *this;
}

ProtobufWriter& ProtobufWriter::number(std::uint32_t number, std::uint64_t value) {
  varint(std::uint64_t{number} << 3);
  varint(value);
  return *this;
}

ProtobufWriter& ProtobufWriter::fixed64(std::uint32_t number, std::uint64_t value) {
  varint(std::uint64_t{number} << 3 | 1);
  for (int shift = 0; shift < 64; shift += 8) out_->push_back(static_cast<std::uint8_t>(value >> shift));
  return *this;
}

ProtobufWriter& ProtobufWriter::entry(std::uint32_t number, std::string_view key, ByteView value) {
  Buffer entry;
  ProtobufWriter(entry).text(1, key).bytes(2, value);
  return present(number, entry);
}

}  // namespace cloister::net
