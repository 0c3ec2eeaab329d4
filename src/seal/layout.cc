#include "seal/layout.h"

#include <algorithm>

namespace cloister::seal {

// Bounds: payload at most 2^50, data_off below 2^22, S*C at most 2^54 and tags of a group at most 2^36 bytes, so every
// sum and product below stays under 2^63 without a check of its own.
Result<Layout> Layout::create(const Preamble& preamble, std::uint64_t plaintext_len) {
  if (plaintext_len > kPayloadMax) return Error(Code::kCorrupt, "payload length is above 2^50");
  Layout layout;
  layout.data_off_ = preamble.data_off();
  layout.plaintext_len_ = plaintext_len;
  layout.chunk_size_ = preamble.chunk_size();
  layout.chunk_count_ = std::max<std::uint64_t>(1, (plaintext_len + layout.chunk_size_ - 1) / layout.chunk_size_);
  layout.group_chunks_ = std::uint64_t{1} << preamble.group_log2;
  layout.stride_ = layout.group_chunks_ * layout.chunk_size_ + align_to_page(crypto::kTagSize * layout.group_chunks_);
  return layout;
}

Status Layout::check_file_size(std::uint64_t actual) const {
  if (actual == file_size()) return {};
  return Error(Code::kCorrupt, (actual < file_size() ? "it was cut off" : "something follows its end") +
                                   (": it should have " + std::to_string(file_size())) + " bytes and has " +
                                   std::to_string(actual));
}

std::uint64_t Layout::group_count() const { return (chunk_count_ + group_chunks_ - 1) / group_chunks_; }

std::uint64_t Layout::chunk_offset(std::uint64_t index) const {
  return data_off_ + index / group_chunks_ * stride_ + index % group_chunks_ * chunk_size_;
}

std::uint32_t Layout::chunk_length(std::uint64_t index) const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk_size_, plaintext_len_ - index * chunk_size_));
}

std::uint64_t Layout::group_data_end(std::uint64_t group) const {
  const std::uint64_t first = group * group_chunks_ * chunk_size_;
  const std::uint64_t bytes = std::min(group_chunks_ * chunk_size_, plaintext_len_ - first);
  return data_off_ + group * stride_ + bytes;
}

std::uint64_t Layout::chunks_in_group(std::uint64_t group) const {
  return std::min(group_chunks_, chunk_count_ - group * group_chunks_);
}

std::uint64_t Layout::tag_offset(std::uint64_t index) const {
  return align_to_page(group_data_end(index / group_chunks_)) + crypto::kTagSize * (index % group_chunks_);
}

std::uint64_t Layout::footer_offset() const { return align_to_page(tag_offset(chunk_count_ - 1) + crypto::kTagSize); }

}  // namespace cloister::seal
