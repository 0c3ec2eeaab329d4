#include "posture/collect/content/thrift.h"

namespace cloister::posture::content {
namespace {

constexpr unsigned kDepthMax = 24;

Error cut_off() { return Error(Code::kCorrupt, "the footer ends within a value"); }
Error malformed() { return Error(Code::kCorrupt, "the footer isn't in Thrift's compact protocol"); }

}  // namespace

Result<std::uint8_t> ThriftReader::byte() {
  if (offset_ >= bytes_.size()) return cut_off();
  return bytes_[offset_++];
}

Result<std::uint64_t> ThriftReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    CLOISTER_TRY(const std::uint8_t next, byte());
    value |= std::uint64_t{next & 127U} << shift;
    if ((next & 128) == 0) return value;
  }
  return malformed();
}

Status ThriftReader::advance(std::uint64_t size) {
  if (size > bytes_.size() - offset_) return cut_off();
  offset_ += size;
  return {};
}

Result<ThriftField> ThriftReader::field(std::int32_t last) {
  CLOISTER_TRY(const std::uint8_t head, byte());
  ThriftField field;
  if ((head & 15) > static_cast<std::uint8_t>(ThriftType::kStruct)) return malformed();
  field.type = static_cast<ThriftType>(head & 15);
  if (head == 0) return field;
  if (field.type == ThriftType::kStop) return malformed();
  const std::int32_t delta = head >> 4;
  if (delta != 0) {
    field.id = last + delta;
  } else {
    CLOISTER_TRY(const std::uint64_t id, varint());
    field.id = static_cast<std::int32_t>((id >> 1) & 0x7FFF);
  }
  return field;
}

Result<ByteView> ThriftReader::binary() {
  CLOISTER_TRY(const std::uint64_t size, varint());
  const std::size_t start = offset_;
  CLOISTER_RETURN_IF_ERROR(advance(size));
  return bytes_.subspan(start, size);
}

Result<ThriftReader::List> ThriftReader::list() {
  CLOISTER_TRY(const std::uint8_t head, byte());
  List list;
  if ((head & 15) > static_cast<std::uint8_t>(ThriftType::kStruct)) return malformed();
  list.type = static_cast<ThriftType>(head & 15);
  list.size = head >> 4;
  if (list.size == 15) {
    CLOISTER_TRY(list.size, varint());
  }
  // Every element takes a byte at least.
  if (list.size > bytes_.size() - offset_) return cut_off();
  return list;
}

Status ThriftReader::skip_list(unsigned depth) {
  CLOISTER_TRY(const List elements, list());
  for (std::uint64_t i = 0; i < elements.size; ++i) {
    const bool truth = elements.type == ThriftType::kTrue || elements.type == ThriftType::kFalse;
    CLOISTER_RETURN_IF_ERROR(skip(truth ? ThriftType::kByte : elements.type, depth + 1));
  }
  return {};
}

Status ThriftReader::skip_map(unsigned depth) {
  CLOISTER_TRY(const std::uint64_t size, varint());
  if (size == 0) return {};
  CLOISTER_TRY(const std::uint8_t types, byte());
  if (size > bytes_.size() - offset_) return cut_off();
  for (std::uint64_t i = 0; i < size; ++i) {
    for (const int type : {types >> 4, types & 15}) {
      if (type == 0 || type > static_cast<int>(ThriftType::kStruct)) return malformed();
      const bool truth = type <= static_cast<int>(ThriftType::kFalse);
      CLOISTER_RETURN_IF_ERROR(skip(truth ? ThriftType::kByte : static_cast<ThriftType>(type), depth + 1));
    }
  }
  return {};
}

Status ThriftReader::skip_struct(unsigned depth) {
  for (std::int32_t last = 0;;) {
    CLOISTER_TRY(const ThriftField next, field(last));
    if (next.type == ThriftType::kStop) return {};
    CLOISTER_RETURN_IF_ERROR(skip(next.type, depth + 1));
    last = next.id;
  }
}

Status ThriftReader::skip(ThriftType type, unsigned depth) {
  if (depth > kDepthMax) return Error(Code::kCorrupt, "the footer is nested too deep");
  switch (type) {
    case ThriftType::kStop: return malformed();
    case ThriftType::kTrue:
    case ThriftType::kFalse: return {};
    case ThriftType::kByte: return advance(1);
    case ThriftType::kI16:
    case ThriftType::kI32:
    case ThriftType::kI64: {
      CLOISTER_TRY([[maybe_unused]] const std::uint64_t value, varint());
      return {};
    }
    case ThriftType::kDouble: return advance(8);
    case ThriftType::kBinary: {
      CLOISTER_TRY([[maybe_unused]] const ByteView value, binary());
      return {};
    }
    case ThriftType::kList:
    case ThriftType::kSet: return skip_list(depth);
    case ThriftType::kMap: return skip_map(depth);
    case ThriftType::kStruct: return skip_struct(depth);
  }
  return malformed();
}

}  // namespace cloister::posture::content
