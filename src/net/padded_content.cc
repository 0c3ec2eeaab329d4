#include "net/padded_content.h"

#include <algorithm>

#include "net/varint.h"

namespace cloister::net {
namespace {

constexpr std::size_t kHeadSize = 4;

void append_u16(Buffer& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

Buffer padded_chunk(ByteView content, std::size_t multiple) {
  CLOISTER_CHECK(content.size() <= kPaddedContentMax && multiple > 0 && multiple <= 64);
  const auto record_size = [&](std::size_t length_size) {
    const std::size_t least = length_size + kHeadSize + content.size();
    return (least + multiple - 1) / multiple * multiple - length_size;
  };
  std::size_t size = record_size(1);
  if (varint_size(size) != 1) size = record_size(2);
  Buffer out;
  out.reserve(size + 2);
  append_varint(out, size);
  append_u16(out, content.size());
  append_u16(out, size - kHeadSize - content.size());
  append(out, content);
  out.resize(out.size() + size - kHeadSize - content.size());
  return out;
}

Status PaddedReader::put(ByteView bytes, Buffer& out) {
  while (!bytes.empty()) {
    if (content_ > 0) {
      const ByteView piece = bytes.first(std::min(content_, bytes.size()));
      append(out, piece);
      content_ -= piece.size();
      bytes = bytes.subspan(piece.size());
    } else if (padding_ > 0) {
      const ByteView piece = bytes.first(std::min(padding_, bytes.size()));
      if (!all_zero(piece)) return Error(Code::kInvalid, "padded content: the padding isn't zeros");
      padding_ -= piece.size();
      bytes = bytes.subspan(piece.size());
    } else {
      head_[head_size_++] = bytes.front();
      bytes = bytes.subspan(1);
      if (head_size_ < kHeadSize) continue;
      head_size_ = 0;
      content_ = std::size_t{head_[0]} << 8 | head_[1];
      padding_ = std::size_t{head_[2]} << 8 | head_[3];
    }
  }
  return {};
}

Status PaddedReader::finish() const {
  if (head_size_ == 0 && content_ == 0 && padding_ == 0) return {};
  return Error(Code::kInvalid, "padded content: it ends within a record");
}

}  // namespace cloister::net
