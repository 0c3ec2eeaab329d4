// YAML from outside, as Kubernetes reads it (YAML 1.1, tags passed over): bounded in size, depth, values and copies
// made by aliases; names in a map are unique. Every value knows its line, for whoever has to say where something is
// wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::mesh {

struct YamlLimits {
  std::size_t size = std::size_t{4} << 20;
  std::size_t depth = 64;
  std::size_t values = 200'000;              // with those that aliases copy
  std::size_t text = std::size_t{16} << 20;  // bytes of all scalars, with those that aliases copy
  std::size_t documents = 4096;
};

struct YamlMember;

struct YamlValue {
  enum class Kind : std::uint8_t { kNull, kText, kList, kMap };
  Kind kind = Kind::kNull;
  bool plain = false;      // text without quotes
  std::uint32_t line = 0;  // from 1; a copy that an alias made has the line of what it copies
  std::string text;
  std::vector<YamlValue> items;
  std::vector<YamlMember> members;  // in the order of the text

  bool is_null() const { return kind == Kind::kNull; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_text() const { return kind == Kind::kText; }

  // The member of that name; null when there is none, or when the value isn't a map.
  const YamlMember* find(std::string_view name) const;
  // Its value, or a null value of line 0: so that a way down can be written in one line.
  const YamlValue& at(std::string_view name) const;
  // The same by names with dots between them: "spec.mtls.mode".
  const YamlValue& under(std::string_view path) const;
  // True and false as YAML 1.1 has them (yes, on), and "true" and "false" in quotes, as charts write them.
  std::optional<bool> truth() const;
  // A decimal number, in quotes or not.
  std::optional<std::int64_t> integer() const;
};

struct YamlMember {
  std::string name;
  std::uint32_t line = 0;
  YamlValue value;
};

// Every document of the text. kInvalid, "line 12: …", for what isn't YAML, what is over the limits, a map with the same
// name twice or with a name that isn't text, and an alias of nothing or of what it is in.
Result<std::vector<YamlValue>> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace cloister::mesh
