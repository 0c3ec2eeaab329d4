#include "kms/kmip/ttlv.h"

#include <algorithm>

namespace cloister::kms::kmip {
namespace {

constexpr std::size_t kAlignment = 8;

std::size_t padding_of(std::size_t length) { return (kAlignment - length % kAlignment) % kAlignment; }

std::uint64_t load_be(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

struct ItemHeader {
  Tag tag;
  std::uint8_t type;
  std::size_t length;
};

ItemHeader parse_header(ByteView bytes) {
  return {static_cast<Tag>(load_be(bytes.first(3))), bytes[3], static_cast<std::size_t>(load_be(bytes.subspan(4, 4)))};
}

// The one length that values of a type have; 0 where it varies.
std::size_t fixed_length(Type type) {
  switch (type) {
    case Type::kInteger:
    case Type::kEnumeration:
    case Type::kInterval: return 4;
    case Type::kLongInteger:
    case Type::kBoolean:
    case Type::kDateTime:
    case Type::kDateTimeExtended: return 8;
    default: return 0;
  }
}

class Parser {
 public:
  Parser(ByteView bytes, const TtlvLimits& limits) : bytes_(bytes), limits_(limits) {}

  Result<Item> whole() {
    if (bytes_.size() > limits_.size) return bad("it is larger than " + std::to_string(limits_.size) + " bytes");
    CLOISTER_TRY(Item item, next(bytes_.size(), 1));
    if (offset_ != bytes_.size()) return bad("there are bytes behind it");
    return item;
  }

 private:
  Error bad(const std::string& what) const {
    return Error(Code::kCorrupt, "a KMIP message is malformed at byte " + std::to_string(offset_) + ": " + what);
  }

  // The item at offset_, which ends at `end` at the latest.
  Result<Item> next(std::size_t end, unsigned depth) {
    if (depth > limits_.depth) return bad("it is nested too deep");
    if (++items_ > limits_.items) return bad("it has too many items");
    if (end - offset_ < kTtlvHeader) return bad("an item is cut off");
    const ItemHeader header = parse_header(bytes_.subspan(offset_, kTtlvHeader));
    if (header.type < 1 || header.type > 11) return bad("type " + std::to_string(header.type) + " is unknown");
    if (header.length > end - offset_ - kTtlvHeader) return bad("a length goes beyond what encloses it");
    offset_ += kTtlvHeader;
    Item item;
    item.tag = header.tag;
    item.type = static_cast<Type>(header.type);
    CLOISTER_RETURN_IF_ERROR(item.type == Type::kStructure ? fill_structure(item, header.length, depth)
                                                           : fill_value(item, header.length, end));
    return item;
  }

  Status fill_structure(Item& item, std::size_t length, unsigned depth) {
    const std::size_t end = offset_ + length;
    while (offset_ != end) {
      CLOISTER_TRY(Item child, next(end, depth + 1));
      item.children.push_back(std::move(child));
    }
    return {};
  }

  Status fill_value(Item& item, std::size_t length, std::size_t end) {
    const std::size_t fixed = fixed_length(item.type);
    if (fixed != 0 && length != fixed) return bad("a value's length isn't its type's");
    if (item.type == Type::kBigInteger && (length == 0 || padding_of(length) != 0)) {
      return bad("a big integer isn't a multiple of eight bytes");
    }
    const std::size_t padding = padding_of(length);
    if (padding > end - offset_ - length) return bad("a value's padding is cut off");
    const ByteView value = bytes_.subspan(offset_, length);
    if (!all_zero(bytes_.subspan(offset_ + length, padding))) return bad("padding isn't zero");
    if (fixed == 0) {
      item.bytes = value;
    } else {
      item.number = static_cast<std::int64_t>(load_be(value));
      if (item.type == Type::kInteger) item.number = static_cast<std::int32_t>(item.number);
    }
    if (item.type == Type::kBoolean && item.number != 0 && item.number != 1) return bad("a boolean is neither");
    offset_ += length + padding;
    return {};
  }

  ByteView bytes_;
  const TtlvLimits& limits_;
  std::size_t offset_ = 0;
  std::size_t items_ = 0;
};

}  // namespace

const Item* Item::find(Tag child) const {
  const auto found = std::ranges::find(children, child, &Item::tag);
  return found == children.end() ? nullptr : &*found;
}

const Item* Item::find(Tag child, Type child_type) const {
  const Item* found = find(child);
  return found != nullptr && found->type == child_type ? found : nullptr;
}

Result<Item> parse_ttlv(ByteView bytes, const TtlvLimits& limits) { return Parser(bytes, limits).whole(); }

Result<std::size_t> ttlv_message_size(ByteView header, Tag tag, std::size_t size_max) {
  CLOISTER_CHECK(header.size() == kTtlvHeader);
  const ItemHeader parsed = parse_header(header);
  if (parsed.tag != tag || parsed.type != static_cast<std::uint8_t>(Type::kStructure)) {
    return Error(Code::kCorrupt, "what came isn't a KMIP message");
  }
  if (parsed.length > size_max - kTtlvHeader || padding_of(parsed.length) != 0) {
    return Error(Code::kCorrupt, "a KMIP message says that it has " + std::to_string(parsed.length) +
                                     " bytes, which is more than is taken, or no length it can have");
  }
  return kTtlvHeader + parsed.length;
}

void TtlvWriter::big_endian(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    buffer_.push_back(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
  }
}

void TtlvWriter::header(Tag tag, Type type, std::uint32_t length) {
  big_endian(tag, 3);
  buffer_.push_back(static_cast<std::uint8_t>(type));
  big_endian(length, 4);
}

void TtlvWriter::padded(Tag tag, Type type, ByteView value) {
  CLOISTER_CHECK(value.size() <= TtlvLimits{}.size);
  header(tag, type, static_cast<std::uint32_t>(value.size()));
  net::append(buffer_, value);
  buffer_.resize(buffer_.size() + padding_of(value.size()));
}

TtlvWriter& TtlvWriter::begin(Tag tag) {
  open_.push_back(buffer_.size());
  header(tag, Type::kStructure, 0);
  return *this;
}

TtlvWriter& TtlvWriter::end() {
  CLOISTER_CHECK(!open_.empty());
  const std::size_t at = open_.back();
  open_.pop_back();
  const auto length = static_cast<std::uint32_t>(buffer_.size() - at - kTtlvHeader);
  for (std::size_t i = 0; i < 4; ++i) buffer_[at + 4 + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  return *this;
}

TtlvWriter& TtlvWriter::integer(Tag tag, std::int32_t value) {
  header(tag, Type::kInteger, 4);
  big_endian(static_cast<std::uint32_t>(value), 4);
  big_endian(0, 4);
  return *this;
}

TtlvWriter& TtlvWriter::enumeration(Tag tag, std::uint32_t value) {
  header(tag, Type::kEnumeration, 4);
  big_endian(value, 4);
  big_endian(0, 4);
  return *this;
}

TtlvWriter& TtlvWriter::boolean(Tag tag, bool value) {
  header(tag, Type::kBoolean, 8);
  big_endian(value ? 1 : 0, 8);
  return *this;
}

TtlvWriter& TtlvWriter::text(Tag tag, std::string_view value) {
  padded(tag, Type::kTextString, as_bytes(value));
  return *this;
}

TtlvWriter& TtlvWriter::bytes(Tag tag, ByteView value) {
  padded(tag, Type::kByteString, value);
  return *this;
}

TtlvWriter& TtlvWriter::date_time(Tag tag, std::int64_t unix_seconds) {
  header(tag, Type::kDateTime, 8);
  big_endian(static_cast<std::uint64_t>(unix_seconds), 8);
  return *this;
}

TtlvWriter& TtlvWriter::interval(Tag tag, std::uint32_t seconds) {
  header(tag, Type::kInterval, 4);
  big_endian(seconds, 4);
  big_endian(0, 4);
  return *this;
}

net::Buffer TtlvWriter::take() {
  CLOISTER_CHECK(open_.empty());
  return std::move(buffer_);
}

}  // namespace cloister::kms::kmip
