// The content coding "cloister-padded": content in records whose sizes come in steps, so that whoever sees sealed bytes
// pass can't count letters while an answer is being written. docs/formats/padded-content.md.
#pragma once

#include <array>

#include "base/result.h"
#include "net/buffer.h"

namespace cloister::net {

inline constexpr std::string_view kPaddedCoding = "cloister-padded";
inline constexpr std::size_t kPaddedRecordMax = 16 << 10;  // with the length of a content chunk before it

// The most content that padded_chunk() takes.
inline constexpr std::size_t kPaddedContentMax = kPaddedRecordMax - 2 - 4;
// One chunk of content of a binary HTTP response of indeterminate length: `content` as one record, padded until the
// whole chunk is a multiple of `multiple` bytes, which is at most 64. Empty content is all padding.
Buffer padded_chunk(ByteView content, std::size_t multiple);

// Takes records apart, however they are cut into pieces. One thread at a time.
class PaddedReader {
 public:
  // Appends the content to `out`. kInvalid: padding that isn't zeros; nothing more may be put then.
  Status put(ByteView bytes, Buffer& out);
  // kInvalid: it ends within a record.
  Status finish() const;

 private:
  std::array<std::uint8_t, 4> head_{};
  std::size_t head_size_ = 0;
  std::size_t content_ = 0, padding_ = 0;  // of this record, still to come
};

}  // namespace cloister::net
