// Names of a model's files as signatures list them. Statement, enumeration and files of options hold them to one rule.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace cloister::model {

inline constexpr std::size_t kNameSizeMax = 4096;

// True for a relative name that stays inside: plain UTF-8 with '/', without an empty part, "." or "..", and without
// the backslash that other systems take for a '/'.
bool is_safe_name(std::string_view name);

// "path:start:end": a part of a file, its end excluded.
struct ShardName {
  std::string_view path;
  std::uint64_t start = 0, end = 0;
};
// The last two numbers are the range, whatever colons the path has. kCorrupt for numbers with a sign or leading zeros,
// for an empty range and for one that ends beyond 64 bits.
Result<ShardName> parse_shard_name(std::string_view name);

// True when `name` is `excluded` itself or lies below it.
bool is_below(std::string_view name, std::string_view excluded);

}  // namespace cloister::model
