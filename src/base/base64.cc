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

Error malformed() { return Error(Code::kInvalid, "text is not base64"); }

}  // namespace

std::size_t base64_encoded_size(std::size_t size, Base64 alphabet) {
  const std::size_t digits = size / 3 * 4 + (size % 3 == 0 ? 0 : size % 3 + 1);
  return alphabet == Base64::kStandard ? (digits + 3) / 4 * 4 : digits;
}

void encode_base64(ByteView bytes, Base64 alphabet, MutableByteView text) {
  CLOISTER_CHECK(text.size() == base64_encoded_size(bytes.size(), alphabet));
  std::size_t to = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
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
  unsigned wrong = 0;
  std::size_t to = 0;
  for (std::size_t at = 0; at < text.size(); at += 4) {
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
