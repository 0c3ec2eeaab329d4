// DER, X.690: elements read one after the other within bounds, and put together. What a certificate or key file of
// somebody else's says beyond its outline is read by OpenSSL; nothing reaches OpenSSL that isn't well-formed here.
#pragma once

#include <initializer_list>
#include <optional>

#include "base/bytes.h"

namespace cloister::crypto {

namespace der {
inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kOid = 0x06;
inline constexpr std::uint8_t kUtf8String = 0x0C;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
// Context-specific, [number].
constexpr std::uint8_t primitive(std::uint8_t number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t constructed(std::uint8_t number) { return static_cast<std::uint8_t>(0xA0 | number); }
}  // namespace der

struct DerElement {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

// A view: the bytes must outlive it. Lengths are definite and in their shortest form, tags are one byte. Every failure
// is kInvalid and names what was expected.
class DerReader {
 public:
  explicit DerReader(ByteView bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  // The tag of the next element; 0 at the end.
  std::uint8_t peek() const { return rest_.empty() ? std::uint8_t{0} : rest_[0]; }
  Result<DerElement> next(std::string_view what);
  // The content of the next element, which has this tag.
  Result<ByteView> expect(std::uint8_t tag, std::string_view what);
  // The same, if the next element has this tag.
  Result<std::optional<ByteView>> maybe(std::uint8_t tag, std::string_view what);
  Status expect_end(std::string_view what) const;

 private:
  ByteView rest_;
};

// Exactly one element, and every element inside constructed ones well-formed, `depth_max` deep at most: booleans are 00
// or FF, integers as short as they can be, no string is constructed. Doesn't look into OCTET and BIT STRINGs.
Status check_der(ByteView bytes, std::string_view what, unsigned depth_max = 16);

// Tag and length alone, for content of this size that follows.
Bytes der_header(std::uint8_t tag, std::size_t content_size);
Bytes der_element(std::uint8_t tag, std::initializer_list<ByteView> parts);
// Content octets of an OBJECT IDENTIFIER.
Bytes der_oid(ByteView content);
// A positive integer from its big-endian bytes.
Bytes der_positive_integer(ByteView magnitude);
Bytes der_small_integer(std::uint8_t value);
Bytes der_bit_string(ByteView bytes, std::uint8_t unused_bits = 0);

}  // namespace cloister::crypto
