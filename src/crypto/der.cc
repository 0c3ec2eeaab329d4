#include "crypto/der.h"

#include <algorithm>

namespace cloister::crypto {
namespace {

Error malformed(std::string_view what) { return Error(Code::kInvalid, std::string(what) + " is not well-formed DER"); }

bool has_wrong_form(const DerElement& element) {
  const bool is_constructed = (element.tag & 0x20) != 0;
  if ((element.tag & 0xC0) != 0) return false;  // not of the universal class: the form is its definition's
  const unsigned number = element.tag & 0x1F;
  const bool is_container = number == 0x10 || number == 0x11;
  if (number == 0 || is_constructed != is_container) return true;
  const ByteView content = element.content;
  switch (element.tag) {
    case der::kBoolean: return content.size() != 1 || (content[0] != 0 && content[0] != 0xFF);
    case der::kInteger:
      if (content.size() < 2) return content.empty();
      return (content[0] == 0 && content[1] < 0x80) || (content[0] == 0xFF && content[1] >= 0x80);
    case der::kBitString: return content.empty() || content[0] > 7 || (content.size() == 1 && content[0] != 0);
    case der::kNull: return !content.empty();
    case der::kOid: return content.empty() || content.back() >= 0x80;
    default: return false;
  }
}

Status check_all(ByteView bytes, std::string_view what, unsigned depth_left) {
  DerReader reader(bytes);
  while (!reader.at_end()) {
    CLOISTER_TRY(const DerElement element, reader.next(what));
    if (has_wrong_form(element)) return malformed(what);
    if ((element.tag & 0x20) == 0) continue;
    if (depth_left == 0) return Error(Code::kInvalid, std::string(what) + " is nested too deeply");
    CLOISTER_RETURN_IF_ERROR(check_all(element.content, what, depth_left - 1));
  }
  return {};
}

}  // namespace

Result<DerElement> DerReader::next(std::string_view what) {
  if (rest_.size() < 2 || (rest_[0] & 0x1F) == 0x1F) return malformed(what);
  std::size_t header = 2;
  std::size_t size = rest_[1];
  if (size >= 0x80) {
    const std::size_t digits = size & 0x7F;
    if (digits < 1 || digits > 3 || rest_.size() < 2 + digits) return malformed(what);
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) size = size << 8 | rest_[2 + i];
    if (size < 0x80 || size >> (8 * (digits - 1)) == 0) return malformed(what);
    header += digits;
  }
  if (size > rest_.size() - header) return malformed(what);
  const DerElement element{rest_[0], rest_.subspan(header, size), rest_.first(header + size)};
  rest_ = rest_.subspan(header + size);
  return element;
}

Result<ByteView> DerReader::expect(std::uint8_t tag, std::string_view what) {
  CLOISTER_TRY(const DerElement element, next(what));
  if (element.tag != tag) return malformed(what);
  return element.content;
}

Result<std::optional<ByteView>> DerReader::maybe(std::uint8_t tag, std::string_view what) {
  if (peek() != tag) return std::optional<ByteView>();
  CLOISTER_TRY(const ByteView content, expect(tag, what));
  return std::optional(content);
}

Status DerReader::expect_end(std::string_view what) const {
  if (at_end()) return {};
  return Error(Code::kInvalid, std::to_string(rest_.size()) + " bytes follow the end of " + std::string(what));
}

Status check_der(ByteView bytes, std::string_view what, unsigned depth_max) {
  DerReader reader(bytes);
  CLOISTER_TRY(const DerElement element, reader.next(what));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end(what));
  return check_all(element.whole, what, depth_max);
}

Bytes der_header(std::uint8_t tag, std::size_t content_size) {
  CLOISTER_CHECK(content_size < (std::size_t{1} << 24));
  Bytes header{tag};
  if (content_size < 0x80) {
    header.push_back(static_cast<std::uint8_t>(content_size));
    return header;
  }
  const int digits = content_size > 0xFFFF ? 3 : content_size > 0xFF ? 2 : 1;
  header.push_back(static_cast<std::uint8_t>(0x80 | digits));
  for (int i = digits - 1; i >= 0; --i) header.push_back(static_cast<std::uint8_t>(content_size >> (8 * i)));
  return header;
}

Bytes der_element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Bytes bytes = der_header(tag, size);
  bytes.reserve(bytes.size() + size);
  for (const ByteView part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Bytes der_oid(ByteView content) { return der_element(der::kOid, {content}); }

Bytes der_positive_integer(ByteView magnitude) {
  static constexpr std::uint8_t kZero[] = {0};
  while (magnitude.size() > 1 && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  if (magnitude.empty()) return der_element(der::kInteger, {kZero});
  return der_element(der::kInteger, {ByteView(kZero).first(magnitude[0] >= 0x80 ? 1 : 0), magnitude});
}

Bytes der_small_integer(std::uint8_t value) { return der_positive_integer({&value, 1}); }

Bytes der_bit_string(ByteView bytes, std::uint8_t unused_bits) {
  return der_element(der::kBitString, {{&unused_bits, 1}, bytes});
}

}  // namespace cloister::crypto
