// The head of a GGUF file (version 2 and 3): what it says of the model, and which tensor lies where.
#pragma once

#include "model/safetensors.h"

namespace cloister::model {

inline constexpr std::uint64_t kGgufHeadMax = std::uint64_t{64} << 20;

struct GgufMap {
  std::vector<Tensor> tensors;
  std::uint64_t metadata = 0;  // how many values
  bool chat_template = false;  // a program in Jinja, which engines run
};

// kCorrupt: lengths or numbers that lie, tensors outside of the file or over each other. kUnsupported: another version,
// an unknown type of numbers.
Result<GgufMap> read_gguf(const File& file);
// Of the first bytes, up to kGgufHeadMax, of a file of that size.
Result<GgufMap> parse_gguf(ByteView head, std::uint64_t file_size);

}  // namespace cloister::model
