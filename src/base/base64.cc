#include "base/base64.h"

#include <algorithm>

namespace cloister {
namespace {

// All ones when low <= c <= high, else zero. Arguments are below 2^16.
unsigned in_range(unsigned c, unsigned low, unsigned high) { return (((c - low) | (high - c)) >> 31) - 1U; }

unsigned char encode_digit(unsigned value, Base64 alphabet) {
  const unsigned plus = alphabet == Base64::kUrl ? '-' : '+';
  const unsigned slash = alphabet == Base64::kUrl ? '_' : '/';
  unsigned c = in_range(value, 0, 25) & ('A' + value);
  c |= in_range(value, 26, 51) & ('a' + value - 26);
  c |= in_range(value, 52, 61) & ('0' + value - 52);
  c |= in_range(value, 62, 62) & plus;
  c |= in_range(value, 63, 63) & slash;
  return static_cast<unsigned char>(c);
}

// 64 for a character outside the alphabet.
unsigned decode_digit(unsigned char character, Base64 alphabet) {
  const unsigned c = character;
  const unsigned plus = alphabet == Base64::kUrl ? '-' : '+';
  const unsigned slash = alphabet == Base64::kUrl ? '_' : '/';
  unsigned value = in_range(c, 'A', 'Z') & (c - 'A' + 1);
  value |= in_range(c, 'a', 'z') & (c - 'a' + 27);
  value |= in_range(c, '0', '9') & (c - '0' + 53);
  value |= in_range(c, plus, plus) & 63;
  value |= in_range(c, slash, slash) & 64;
  return (value - 1) & 127;  // none of them: 127, which has bit 6 set
}

// Leaves the digits. False when no text has this shape.
bool strip_padding(std::string_view& text, Base64 alphabet) {
  if (alphabet == Base64::kStandard) {
    if (text.size() % 4 != 0) return false;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  return text.size() % 4 != 1;
}

// Eight characters or digits at once, one in each byte of a word; what follows works on all of them alike.
using Lanes = std::uint64_t;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kLaneBytes = 6;  // what they stand for

constexpr Lanes each(unsigned byte) { return 0x0101010101010101U * byte; }
// All ones in every lane that is at least `least`, else zero. Lanes and `least` are at most 127.
Lanes at_least(Lanes lanes, unsigned least) {
  const Lanes found = ((lanes | each(0x80)) - each(least)) & each(0x80);
  return (found << 1) - (found >> 7);
}
// Sums modulo 256.
Lanes add(Lanes a, Lanes b) { return ((a & each(0x7F)) + (b & each(0x7F))) ^ ((a ^ b) & each(0x80)); }

struct LastDigits {
  unsigned plus, slash;
};
LastDigits last_digits(Base64 alphabet) {
  return alphabet == Base64::kUrl ? LastDigits{'-', '_'} : LastDigits{'+', '/'};
}

// Six bits in each lane.
Lanes encode_lanes(Lanes digits, LastDigits last) {
  const Lanes from_lower = at_least(digits, 26), from_number = at_least(digits, 52);
  const Lanes from_plus = at_least(digits, 62), slash = at_least(digits, 63);
  Lanes distance = ~from_lower & each('A');
  distance |= from_lower & ~from_number & each('a' - 26);
  distance |= from_number & ~from_plus & each(256 + '0' - 52);
  distance |= from_plus & ~slash & each((256 + last.plus - 62) & 255);
  distance |= slash & each((256 + last.slash - 63) & 255);
  return add(digits, distance);
}

// Sets a bit of `wrong` when a lane isn't of the alphabet.
Lanes decode_lanes(Lanes characters, LastDigits last, Lanes& wrong) {
  const auto within = [&](unsigned low, unsigned high) {
    return at_least(characters & each(0x7F), low) & ~at_least(characters & each(0x7F), high + 1);
  };
  const Lanes upper = within('A', 'Z'), lower = within('a', 'z'), number = within('0', '9');
  const Lanes plus = within(last.plus, last.plus), slash = within(last.slash, last.slash);
  wrong |= ~(upper | lower | number | plus | slash) | (characters & each(0x80));
  Lanes distance = upper & each(256 - 'A');
  distance |= lower & each(256 - 'a' + 26);
  distance |= number & each((256 + 52 - '0') & 255);
  distance |= plus & each((256 + 62 - last.plus) & 255);
  distance |= slash & each((256 + 63 - last.slash) & 255);
  return add(characters, distance);
}

void encode_six(const std::uint8_t* from, LastDigits last, std::uint8_t* to) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kLaneBytes; ++i) bits = bits << 8 | from[i];
  const Lanes halves = bits >> 24 | (bits & 0xFFFFFF) << 32;
  const Lanes quarters = (halves >> 12 & 0x00000FFF00000FFF) | (halves & 0x00000FFF00000FFF) << 16;
  const Lanes digits = (quarters >> 6 & 0x003F003F003F003F) | (quarters & 0x003F003F003F003F) << 8;
  store_le(to, encode_lanes(digits, last));
}

void decode_eight(const std::uint8_t* from, LastDigits last, Lanes& wrong, std::uint8_t* to) {
  const Lanes digits = decode_lanes(load_le<Lanes>(from), last, wrong) & each(0x3F);
  const Lanes quarters = (digits & 0x003F003F003F003F) << 6 | (digits >> 8 & 0x003F003F003F003F);
  const Lanes halves = (quarters & 0x00000FFF00000FFF) << 12 | (quarters >> 16 & 0x00000FFF00000FFF);
  const std::uint64_t bits = (halves & 0xFFFFFF) << 24 | halves >> 32;
  for (std::size_t i = 0; i < kLaneBytes; ++i) to[i] = static_cast<std::uint8_t>(bits >> (40 - 8 * i));
}

Error malformed() { return Error(Code::kInvalid, "text is not base64"); }

}  // namespace

std::size_t base64_encoded_size(std::size_t size, Base64 alphabet) {
  const std::size_t digits = size / 3 * 4 + (size % 3 == 0 ? 0 : size % 3 + 1);
  return alphabet == Base64::kStandard ? (digits + 3) / 4 * 4 : digits;
}

void encode_base64(ByteView bytes, Base64 alphabet, MutableByteView text) {
  CLOISTER_CHECK(text.size() == base64_encoded_size(bytes.size(), alphabet));
  const LastDigits last = last_digits(alphabet);
  std::size_t at = 0, to = 0;
  for (; bytes.size() - at >= kLaneBytes; at += kLaneBytes, to += kLanes) encode_six(&bytes[at], last, &text[to]);
  for (; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i <= count; ++i) text[to++] = encode_digit(group >> (18 - 6 * i) & 63, alphabet);
  }
  while (to < text.size()) text[to++] = '=';
}

std::string to_base64(ByteView bytes, Base64 alphabet) {
  std::string text(base64_encoded_size(bytes.size(), alphabet), '\0');
  encode_base64(bytes, alphabet, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

Result<std::size_t> base64_decoded_size(std::string_view text, Base64 alphabet) {
  if (!strip_padding(text, alphabet)) return malformed();
  return text.size() / 4 * 3 + (text.size() % 4 == 0 ? 0 : text.size() % 4 - 1);
}

Status decode_base64(std::string_view text, Base64 alphabet, MutableByteView out) {
  if (!strip_padding(text, alphabet)) return malformed();
  const ByteView characters = as_bytes(text);
  const LastDigits last = last_digits(alphabet);
  Lanes wrong = 0;
  std::size_t at = 0, to = 0;
  for (; text.size() - at >= kLanes; at += kLanes, to += kLaneBytes) {
    if (to + kLaneBytes > out.size()) return malformed();
    decode_eight(&characters[at], last, wrong, &out[to]);
  }
  for (; at < text.size(); at += 4) {
    const std::size_t count = std::min<std::size_t>(4, text.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const unsigned digit = i < count ? decode_digit(static_cast<unsigned char>(text[at + i]), alphabet) : 0;
      wrong |= digit & 64;
      group = group << 6 | (digit & 63);
    }
    const std::size_t bytes = count - 1;
    if (to + bytes > out.size()) return malformed();
    for (std::size_t i = 0; i < bytes; ++i) out[to++] = static_cast<std::uint8_t>(group >> (16 - 8 * i));
    wrong |= group & ((1U << (24 - 8 * bytes)) - 1);
  }
  if (wrong != 0 || to != out.size()) return malformed();
  return {};
}

Result<Bytes> from_base64(std::string_view text, Base64 alphabet) {
  CLOISTER_TRY(const std::size_t size, base64_decoded_size(text, alphabet));
  Bytes bytes(size);
  CLOISTER_RETURN_IF_ERROR(decode_base64(text, alphabet, bytes));
  return bytes;
}

}  // namespace cloister
