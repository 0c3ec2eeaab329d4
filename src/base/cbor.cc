#include "base/cbor.h"

#include "base/reader.h"

namespace cloister {
namespace {

Error malformed(std::string_view what, std::size_t offset) {
  return Error(Code::kCorrupt, "CBOR: " + std::string(what) + " at byte " + std::to_string(offset));
}

}  // namespace

CborWriter& CborWriter::head(unsigned major, std::uint64_t value) {
  const auto initial = static_cast<std::uint8_t>(major << 5);
  unsigned size = 0;
  if (value < 24) {
    bytes_.push_back(static_cast<std::uint8_t>(initial | value));
    return *this;
  }
  if (value <= 0xFF) {
    bytes_.push_back(initial | 24);
    size = 1;
  } else if (value <= 0xFFFF) {
    bytes_.push_back(initial | 25);
    size = 2;
  } else if (value <= 0xFFFFFFFF) {
    bytes_.push_back(initial | 26);
    size = 4;
  } else {
    bytes_.push_back(initial | 27);
    size = 8;
  }
  for (unsigned i = size; i-- > 0;) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

CborWriter& CborWriter::integer(std::int64_t value) {
  if (value >= 0) return head(0, static_cast<std::uint64_t>(value));
  return head(1, static_cast<std::uint64_t>(-(value + 1)));
}

CborWriter& CborWriter::bytes(ByteView value) {
  head(2, value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

CborWriter& CborWriter::text(std::string_view value) {
  head(3, value.size());
  const ByteView raw = as_bytes(value);
  bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  return *this;
}

Result<CborReader::Head> CborReader::head() {
  const std::size_t start = offset_;
  if (++items_ > limits_.items) return malformed("too many items", start);
  if (offset_ >= bytes_.size()) return malformed("ends early", start);
  const std::uint8_t initial = bytes_[offset_++];
  const unsigned major = initial >> 5;
  const unsigned info = initial & 31;
  if (major > 5) return malformed("tags, floats and simple values aren't used here", start);
  if (info < 24) return Head{major, info};
  if (info > 27) return malformed("indefinite or reserved length", start);
  const std::size_t size = std::size_t{1} << (info - 24);
  if (bytes_.size() - offset_ < size) return malformed("ends early", start);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[offset_++];
  const std::uint64_t smallest = size == 1 ? 24 : std::uint64_t{1} << (4 * size);
  if (value < smallest) return malformed("a number isn't in its shortest form", start);
  return Head{major, value};
}

Result<ByteView> CborReader::string(const Head& head) {
  if (head.value > limits_.string) return malformed("string over the limit", offset_);
  if (head.value > bytes_.size() - offset_) return malformed("ends early", offset_);
  const ByteView view = bytes_.subspan(offset_, static_cast<std::size_t>(head.value));
  offset_ += view.size();
  return view;
}

Result<std::uint64_t> CborReader::unsigned_integer() {
  const std::size_t start = offset_;
  CLOISTER_TRY(const Head item, head());
  if (item.major != 0) return malformed("not an unsigned integer", start);
  return item.value;
}

Result<std::string> CborReader::text() {
  const std::size_t start = offset_;
  CLOISTER_TRY(const Head item, head());
  if (item.major != 3) return malformed("not a text", start);
  CLOISTER_TRY(const ByteView raw, string(item));
  if (!is_plain_utf8(as_text(raw))) return malformed("text isn't plain UTF-8", start);
  return std::string(as_text(raw));
}

Result<std::uint64_t> CborReader::map() {
  const std::size_t start = offset_;
  CLOISTER_TRY(const Head item, head());
  if (item.major != 5) return malformed("not a map", start);
  if (item.value > limits_.items) return malformed("too many items", start);
  return item.value;
}

Status CborReader::skip_value(unsigned depth) {
  const std::size_t start = offset_;
  CLOISTER_TRY(const Head item, head());
  if (item.major <= 1) return {};
  if (item.major <= 3) {
    CLOISTER_TRY(const ByteView raw, string(item));
    if (item.major == 3 && !is_plain_utf8(as_text(raw))) return malformed("text isn't plain UTF-8", start);
    return {};
  }
  if (depth > limits_.depth) return malformed("nested too deeply", start);
  if (item.value > limits_.items) return malformed("too many items", start);
  if (item.major == 5) return skip_pairs(item.value, depth);
  for (std::uint64_t i = 0; i < item.value; ++i) CLOISTER_RETURN_IF_ERROR(skip_value(depth + 1));
  return {};
}

Status CborReader::skip_pairs(std::uint64_t pairs, unsigned depth) {
  ByteView previous;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    const std::size_t start = offset_;
    CLOISTER_RETURN_IF_ERROR(skip_value(depth + 1));
    const ByteView key = bytes_.subspan(start, offset_ - start);
    if (i > 0 && as_text(previous) >= as_text(key)) return malformed("map keys aren't in ascending order", start);
    previous = key;
    CLOISTER_RETURN_IF_ERROR(skip_value(depth + 1));
  }
  return {};
}

Status CborReader::expect_end() const {
  if (offset_ == bytes_.size()) return {};
  return malformed("bytes follow the end", offset_);
}

}  // namespace cloister
