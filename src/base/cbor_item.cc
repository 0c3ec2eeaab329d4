#include "base/cbor_item.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister {
namespace {

constexpr std::uint8_t kBreak = 0xFF;
constexpr std::uint8_t kIndefiniteMap = 0xBF;

Error malformed(std::string_view what, std::size_t offset) {
  return Error(Code::kCorrupt, "CBOR: " + std::string(what) + " at byte " + std::to_string(offset));
}

}  // namespace

class CborParser {
 public:
  CborParser(ByteView bytes, const CborItemLimits& limits) : bytes_(bytes), limits_(limits) {}

  Result<CborItem> parse(unsigned depth) {
    const std::size_t start = offset_;
    if (++count_ > limits_.items) return malformed("too many items", start);
    CborItem item;
    CLOISTER_RETURN_IF_ERROR(read(item, depth));
    item.encoded_ = bytes_.subspan(start, offset_ - start);
    return item;
  }

 private:
  using Type = CborItem::Type;

  struct Head {
    unsigned major = 0;
    std::uint64_t value = 0;
  };

  Result<Head> read_head() {
    const std::size_t start = offset_;
    if (offset_ >= bytes_.size()) return malformed("ends early", start);
    const std::uint8_t initial = bytes_[offset_++];
    const unsigned major = initial >> 5;
    const unsigned info = initial & 31;
    if (info < 24) return Head{major, info};
    if (info > 27) return malformed("indefinite or reserved length", start);
    if (major == 7) return malformed("floats and simple values aren't used here", start);
    const std::size_t size = std::size_t{1} << (info - 24);
    if (bytes_.size() - offset_ < size) return malformed("ends early", start);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[offset_++];
    const std::uint64_t smallest = size == 1 ? 24 : std::uint64_t{1} << (4 * size);
    if (value < smallest) return malformed("a number isn't in its shortest form", start);
    return Head{major, value};
  }

  Status read(CborItem& item, unsigned depth) {
    const std::size_t start = offset_;
    if (limits_.lengths == CborLengths::kAlsoIndefiniteMaps && offset_ < bytes_.size() &&
        bytes_[offset_] == kIndefiniteMap) {
      ++offset_;
      item.type_ = Type::kMap;
      return read_indefinite_map(item, depth);
    }
    CLOISTER_TRY(const Head head, read_head());
    item.number_ = head.value;
    switch (head.major) {
      case 0: item.type_ = Type::kUnsigned; return {};
      case 1: item.type_ = Type::kNegative; return {};
      case 2: item.type_ = Type::kBytes; return read_string(item);
      case 3: {
        item.type_ = Type::kText;
        CLOISTER_RETURN_IF_ERROR(read_string(item));
        return is_plain_utf8(as_text(item.string_)) ? Status() : malformed("text isn't plain UTF-8", start);
      }
      case 4: item.type_ = Type::kArray; return read_items(item, head.value, depth);
      case 5: item.type_ = Type::kMap; return read_map(item, head.value, depth);
      case 6: item.type_ = Type::kTag; return read_items(item, 1, depth);
      default: return read_simple(item, start);
    }
  }

  static Status read_simple(CborItem& item, std::size_t start) {
    static constexpr std::uint64_t kFalse = 20, kNull = 22;
    if (item.number_ < kFalse || item.number_ > kNull) {
      return malformed("floats and simple values aren't used here", start);
    }
    item.type_ = item.number_ == kNull ? Type::kNull : Type::kBoolean;
    item.number_ -= kFalse;
    return {};
  }

  Status read_string(CborItem& item) {
    if (item.number_ > limits_.string) return malformed("string over the limit", offset_);
    if (item.number_ > bytes_.size() - offset_) return malformed("ends early", offset_);
    item.string_ = bytes_.subspan(offset_, static_cast<std::size_t>(item.number_));
    offset_ += item.string_.size();
    return {};
  }

  Status read_items(CborItem& item, std::uint64_t count, unsigned depth) {
    if (depth >= limits_.depth) return malformed("nested too deeply", offset_);
    for (std::uint64_t i = 0; i < count; ++i) {
      CLOISTER_TRY(CborItem element, parse(depth + 1));
      item.items_.push_back(std::move(element));
    }
    return {};
  }

  Status read_pair(CborItem& item, unsigned depth) {
    const std::size_t start = offset_;
    CLOISTER_TRY(CborItem key, parse(depth + 1));
    const bool plain = key.type_ == Type::kUnsigned || key.type_ == Type::kNegative || key.type_ == Type::kText;
    if (!plain) return malformed("a map's key is neither integer nor text", start);
    CLOISTER_TRY(CborItem value, parse(depth + 1));
    item.pairs_.emplace_back(std::move(key), std::move(value));
    return {};
  }

  Status read_map(CborItem& item, std::uint64_t count, unsigned depth) {
    const std::size_t start = offset_;
    if (depth >= limits_.depth) return malformed("nested too deeply", start);
    for (std::uint64_t i = 0; i < count; ++i) CLOISTER_RETURN_IF_ERROR(read_pair(item, depth));
    return check_keys(item, start);
  }

  Status read_indefinite_map(CborItem& item, unsigned depth) {
    const std::size_t start = offset_;
    if (depth >= limits_.depth) return malformed("nested too deeply", start);
    while (offset_ < bytes_.size() && bytes_[offset_] != kBreak) CLOISTER_RETURN_IF_ERROR(read_pair(item, depth));
    if (offset_ >= bytes_.size()) return malformed("ends early", offset_);
    ++offset_;
    return check_keys(item, start);
  }

  // Two keys are the same exactly when their bytes are: numbers have one form only.
  static Status check_keys(const CborItem& item, std::size_t start) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : item.pairs_) keys.push_back(as_text(key.encoded_));
    std::ranges::sort(keys);
    if (std::ranges::adjacent_find(keys) == keys.end()) return {};
    return malformed("a map has a key twice", start);
  }

  ByteView bytes_;
  CborItemLimits limits_;
  std::size_t offset_ = 0;
  std::size_t count_ = 0;
};

std::optional<std::uint64_t> CborItem::unsigned_integer() const {
  return type_ == Type::kUnsigned ? std::optional(number_) : std::nullopt;
}

std::optional<std::int64_t> CborItem::integer() const {
  const bool number = type_ == Type::kUnsigned || type_ == Type::kNegative;
  if (!number || number_ > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  const auto value = static_cast<std::int64_t>(number_);
  return type_ == Type::kUnsigned ? value : -1 - value;
}

std::optional<ByteView> CborItem::bytes() const {
  return type_ == Type::kBytes ? std::optional(string_) : std::nullopt;
}

std::optional<std::string_view> CborItem::text() const {
  return type_ == Type::kText ? std::optional(as_text(string_)) : std::nullopt;
}

std::optional<bool> CborItem::boolean() const {
  return type_ == Type::kBoolean ? std::optional(number_ == 1) : std::nullopt;
}

std::optional<std::uint64_t> CborItem::tag() const {
  return type_ == Type::kTag ? std::optional(number_) : std::nullopt;
}

const CborItem* CborItem::find(std::int64_t key) const {
  const auto found = std::ranges::find_if(pairs_, [key](const Pair& pair) { return pair.first.integer() == key; });
  return found == pairs_.end() ? nullptr : &found->second;
}

const CborItem* CborItem::find(std::string_view key) const {
  const auto found = std::ranges::find_if(pairs_, [key](const Pair& pair) { return pair.first.text() == key; });
  return found == pairs_.end() ? nullptr : &found->second;
}

Result<CborItem> parse_cbor(ByteView bytes, const CborItemLimits& limits) {
  CLOISTER_TRY(CborItem item, parse_cbor_prefix(bytes, limits));
  if (item.encoded().size() != bytes.size()) return malformed("bytes follow the end", item.encoded().size());
  return item;
}

Result<CborItem> parse_cbor_prefix(ByteView bytes, const CborItemLimits& limits) {
  return CborParser(bytes, limits).parse(0);
}

}  // namespace cloister
