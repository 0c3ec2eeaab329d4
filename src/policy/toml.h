// TOML text into plain values, each with its line: the part of TOML 1.0 that a policy is written in.
// docs/formats/policy.md says which part, docs/decisions/policy-language.md why the reader is ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cloister::policy {

inline constexpr std::size_t kDocumentSizeMax = std::size_t{8} << 20;
inline constexpr std::size_t kLineSizeMax = 4096;
inline constexpr std::size_t kTablesMax = 49'152;
inline constexpr std::size_t kEntriesMax = 32;  // of one table
inline constexpr std::size_t kListMax = 256;

struct TomlValue {
  enum class Kind : std::uint8_t { kText, kInteger, kTime, kList };
  Kind kind = Kind::kText;
  std::uint32_t line = 0;
  std::string text;
  std::int64_t integer = 0;
  Time time;
  std::vector<TomlValue> list;  // kList: no value of it is a list
};

struct TomlEntry {
  std::string key;
  TomlValue value;  // its line is the key's
};

// `[[name]]` and the entries below it; the entries before the first header have no name and line 1.
struct TomlTable {
  std::string name;
  std::uint32_t line = 1;
  std::vector<TomlEntry> entries;

  const TomlValue* find(std::string_view key) const;
};

// Everything in the order of the text.
struct TomlDocument {
  TomlTable top;
  std::vector<TomlTable> tables;
};

// kInvalid, "line 12: …", for text that isn't TOML or uses more of it than a policy does. What is read is what any
// reader of TOML 1.0 would read.
Result<TomlDocument> parse_toml(std::string_view text);

}  // namespace cloister::policy
