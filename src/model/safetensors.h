// The header of a safetensors file: which tensor lies where. Everything in it is held against the file's length.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace cloister::model {

inline constexpr std::uint64_t kSafetensorsHeaderMax = 100'000'000;  // the format's own limit
inline constexpr std::size_t kTensorsMax = 200'000;

struct Tensor {
  std::string name, type;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // in the file
};

// kCorrupt: a header that lies about lengths, leaves gaps or overlaps, or isn't one. kUnsupported: an unknown type of
// numbers.
Result<std::vector<Tensor>> read_safetensors(const File& file);
// Of the header's JSON, for a file of that size.
Result<std::vector<Tensor>> parse_safetensors(std::string_view header, std::uint64_t file_size);

// The product of a shape and bytes of each number; nothing when it doesn't fit.
std::optional<std::uint64_t> size_of_shape(const std::vector<std::uint64_t>& shape, std::uint64_t unit);

}  // namespace cloister::model
