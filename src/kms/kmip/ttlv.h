// TTLV, the encoding of KMIP: tag, type, length, value, big endian, values padded to eight bytes. KMIP 1.4 section 9.1,
// KMIP 2.1 section 10.
#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/buffer.h"

namespace cloister::kms::kmip {

using Tag = std::uint32_t;  // 24 bits: kmip/tags.h

enum class Type : std::uint8_t {
  kStructure = 1,
  kInteger = 2,
  kLongInteger = 3,
  kBigInteger = 4,
  kEnumeration = 5,
  kBoolean = 6,
  kTextString = 7,
  kByteString = 8,
  kDateTime = 9,
  kInterval = 10,
  kDateTimeExtended = 11,  // microseconds; KMIP 2.0
};

struct TtlvLimits {
  std::size_t size = std::size_t{1} << 20;
  unsigned depth = 12;
  std::size_t items = 8192;
};

inline constexpr std::size_t kTtlvHeader = 8;

// One item, a view: the bytes it was parsed from must outlive it.
struct Item {
  Tag tag = 0;
  Type type = Type::kStructure;
  std::int64_t number = 0;  // of integers, enumerations, booleans, dates and intervals
  ByteView bytes;           // of text, byte strings and big integers
  std::vector<Item> children;

  // The first child of that tag; null when there is none. With a type: only when it is of that type.
  const Item* find(Tag child) const;
  const Item* find(Tag child, Type child_type) const;
};

// Exactly one item. kCorrupt, saying what is wrong and at which byte: a length beyond what encloses it, or that the
// type can't have; padding that isn't zero; a type nobody knows; what is over the limits.
Result<Item> parse_ttlv(ByteView bytes, const TtlvLimits& limits = {});

// What the first eight bytes of a message say: its size in all. kCorrupt unless they begin a structure of that tag, of
// `size_max` bytes at most.
Result<std::size_t> ttlv_message_size(ByteView header, Tag tag, std::size_t size_max);

// Builds what parse_ttlv() reads, in memory that is wiped.
class TtlvWriter {
 public:
  TtlvWriter& begin(Tag tag);
  TtlvWriter& end();  // of the structure begun last
  TtlvWriter& integer(Tag tag, std::int32_t value);
  TtlvWriter& enumeration(Tag tag, std::uint32_t value);
  TtlvWriter& boolean(Tag tag, bool value);
  TtlvWriter& text(Tag tag, std::string_view value);
  TtlvWriter& bytes(Tag tag, ByteView value);
  TtlvWriter& date_time(Tag tag, std::int64_t unix_seconds);
  TtlvWriter& interval(Tag tag, std::uint32_t seconds);

  // Everything that was begun has ended.
  net::Buffer take();

 private:
  void header(Tag tag, Type type, std::uint32_t length);
  void big_endian(std::uint64_t value, std::size_t size);
  void padded(Tag tag, Type type, ByteView value);

  net::Buffer buffer_;
  std::vector<std::size_t> open_;  // where the structures begin that haven't ended
};

}  // namespace cloister::kms::kmip
