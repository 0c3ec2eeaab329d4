// Where everything lies. docs/formats/sealed-object.md, "Data". Pure arithmetic, checked for overflow once, in
// create().
#pragma once

#include "seal/preamble.h"

namespace cloister::seal {

class Layout {
 public:
  // kCorrupt when the sizes overflow or exceed the format's bounds.
  static Result<Layout> create(const Preamble& preamble, std::uint64_t plaintext_len);
  // The largest payload whose object is exactly `file_size` long would need a search; the footer says it instead:
  // this checks that `plaintext_len` gives `file_size` to the byte. SO-16.
  Status check_file_size(std::uint64_t file_size) const;

  std::uint64_t plaintext_len() const { return plaintext_len_; }
  std::uint64_t chunk_count() const { return chunk_count_; }
  std::uint32_t chunk_size() const { return chunk_size_; }
  std::uint64_t group_chunks() const { return group_chunks_; }
  std::uint64_t group_count() const;
  std::uint64_t chunk_offset(std::uint64_t index) const;
  std::uint32_t chunk_length(std::uint64_t index) const;
  std::uint64_t tag_offset(std::uint64_t index) const;
  // First byte after the group's ciphertext, not aligned.
  std::uint64_t group_data_end(std::uint64_t group) const;
  std::uint64_t chunks_in_group(std::uint64_t group) const;
  std::uint64_t footer_offset() const;
  std::uint64_t file_size() const { return footer_offset() + kPage; }

 private:
  std::uint64_t data_off_ = 0;
  std::uint64_t plaintext_len_ = 0;
  std::uint64_t chunk_count_ = 0;
  std::uint64_t group_chunks_ = 0;
  std::uint64_t stride_ = 0;
  std::uint32_t chunk_size_ = 0;
};

}  // namespace cloister::seal
