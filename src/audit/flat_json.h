// JSON of the one shape an exported log uses: an object of texts and whole numbers, in which one named member may be
// such an object itself. Bounded, and strict where readers of JSON differ. docs/formats/audit-log.md, ML-18.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace cloister::audit {

using FlatValue = std::variant<std::uint64_t, std::string>;
using FlatMembers = std::map<std::string, FlatValue>;

struct FlatObject {
  FlatMembers members;
  std::optional<FlatMembers> inner;
};

// kCorrupt for anything else: a name twice, more than 64 members in either object, an array, a number with a sign, a
// fraction or an exponent or above 2^64 - 1, a control character outside an escape, bytes that aren't UTF-8.
Result<FlatObject> parse_flat_json(std::string_view text, std::string_view inner_name);

}  // namespace cloister::audit
