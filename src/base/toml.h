// TOML text into plain values, each with its line: the part of TOML 1.0 that policies and configurations are written
// in. docs/formats/policy.md says which part, docs/decisions/policy-language.md why the reader is ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cloister {

inline constexpr std::size_t kTomlSizeMax = std::size_t{8} << 20;
inline constexpr std::size_t kTomlLineSizeMax = 4096;
inline constexpr std::size_t kTomlTablesMax = 49'152;
inline constexpr std::size_t kTomlEntriesMax = 32;  // of one table
inline constexpr std::size_t kTomlListMax = 256;

struct TomlValue {
  enum class Kind : std::uint8_t { kText, kInteger, kTime, kList, kBoolean };
  Kind kind = Kind::kText;
  std::uint32_t line = 0;
  std::string text;
  std::int64_t integer = 0;
  Time time;
  bool boolean = false;
  std::vector<TomlValue> list;  // kList: no value of it is a list
};

struct TomlEntry {
  std::string key;
  TomlValue value;  // its line is the key's
};

// `[[name]]`, or with kSettings `[name]`, and the entries below it; the entries before the first header have no name
// and line 1.
struct TomlTable {
  std::string name;
  std::uint32_t line = 1;
  bool listed = true;  // [[name]]
  std::vector<TomlEntry> entries;

  const TomlValue* find(std::string_view key) const;
};

// Everything in the order of the text.
struct TomlDocument {
  TomlTable top;
  std::vector<TomlTable> tables;
};

// How much of TOML a document may use.
enum class TomlSubset : std::uint8_t {
  kRules,     // [[tables]]; text, whole numbers, times and lists of those: policies
  kSettings,  // [tables], each once, and true and false as well: configurations
};

// kInvalid, "line 12: …", for text that isn't TOML or uses more of it than the subset has. What is read is what any
// reader of TOML 1.0 would read.
Result<TomlDocument> parse_toml(std::string_view text, TomlSubset subset = TomlSubset::kRules);

}  // namespace cloister
