// The entries of one table of a TOML document, taken by name. Every refusal says the line and which table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/suggestion.h"
#include "base/toml.h"

namespace cloister {

// A view: the table outlives it.
class TomlFields {
 public:
  // `what` names the table in messages: `[[allow]] "trainers"`.
  TomlFields(const TomlTable& table, std::string what) : table_(&table), what_(std::move(what)) {}

  std::uint32_t line() const { return table_->line; }
  void set_what(std::string what) { what_ = std::move(what); }
  // kInvalid "line 7: [[allow]] "trainers": …".
  Error error(std::uint32_t line, const std::string& message) const;

  // kInvalid for the first entry whose key isn't one of these, with the nearest that is.
  Status expect_only(std::span<const std::string_view> keys) const;
  bool has(std::string_view key) const { return table_->find(key) != nullptr; }
  std::uint32_t line_of(std::string_view key) const;

  // These are kInvalid where the entry isn't there, or isn't of the kind.
  Result<std::string> text(std::string_view key) const;
  Result<Time> time(std::string_view key) const;
  Result<std::uint32_t> integer(std::string_view key, std::uint32_t min, std::uint32_t max) const;
  // One text, or a list of at least one.
  struct Word {
    std::string text;
    std::uint32_t line;
  };
  Result<std::vector<Word>> words(std::string_view key) const;

  // Nothing where the entry isn't there.
  Result<std::optional<std::string>> optional_text(std::string_view key) const;
  Result<std::optional<Time>> optional_time(std::string_view key) const;
  // `otherwise` where the entry isn't there.
  Result<std::uint32_t> integer_or(std::string_view key, std::uint32_t min, std::uint32_t max,
                                   std::uint32_t otherwise) const;
  Result<bool> boolean_or(std::string_view key, bool otherwise) const;

 private:
  Result<const TomlValue*> value(std::string_view key) const;

  const TomlTable* table_;
  std::string what_;
};

}  // namespace cloister
