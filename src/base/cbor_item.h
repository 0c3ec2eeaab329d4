// CBOR that somebody else wrote, RFC 8949: one value as a tree, within bounds. Integers, byte and text strings, arrays,
// maps, tags, false, true and null; floats and other simple values are refused.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace cloister {

enum class CborLengths {
  kDefinite,
  kAlsoIndefiniteMaps,  // AWS Nitro's documents are one
};

struct CborItemLimits {
  unsigned depth = 8;
  std::size_t items = 4096;  // of all levels together
  std::size_t string = 65536;
  CborLengths lengths = CborLengths::kDefinite;
};

// A view: the bytes it was parsed from must outlive it. Each accessor has nothing when the item is of another type.
class CborItem {
 public:
  using Array = std::vector<CborItem>;
  using Pair = std::pair<CborItem, CborItem>;
  using Map = std::vector<Pair>;  // in the order of the bytes; keys are integers or texts, and no two are the same

  std::optional<std::uint64_t> unsigned_integer() const;
  std::optional<std::int64_t> integer() const;  // nothing, too, where 64 bits don't hold it
  std::optional<ByteView> bytes() const;
  std::optional<std::string_view> text() const;  // UTF-8 without control characters
  std::optional<bool> boolean() const;
  bool is_null() const { return type_ == Type::kNull; }
  const Array* array() const { return type_ == Type::kArray ? &items_ : nullptr; }
  const Map* map() const { return type_ == Type::kMap ? &pairs_ : nullptr; }
  std::optional<std::uint64_t> tag() const;
  // What the tag stands before; null when there is none.
  const CborItem* tagged() const { return type_ == Type::kTag ? items_.data() : nullptr; }

  // The value of that key; null when there is none, or when the item isn't a map.
  const CborItem* find(std::int64_t key) const;
  const CborItem* find(std::string_view key) const;

  // The item as it stands in the bytes.
  ByteView encoded() const { return encoded_; }

 private:
  enum class Type { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kBoolean, kNull };
  friend class CborParser;

  Type type_ = Type::kNull;
  std::uint64_t number_ = 0;  // the integer, or -1 less it; the tag; 1 for true
  ByteView string_;
  Array items_;
  Map pairs_;
  ByteView encoded_;
};

// Exactly one item. kCorrupt for everything else: what is over the limits, numbers that aren't in their shortest form,
// a key that a map has twice, texts that aren't plain UTF-8.
Result<CborItem> parse_cbor(ByteView bytes, const CborItemLimits& limits = {});
// The same, and whatever follows it: its encoded().size() says where that begins.
Result<CborItem> parse_cbor_prefix(ByteView bytes, const CborItemLimits& limits = {});

}  // namespace cloister
