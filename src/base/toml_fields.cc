#include "base/toml_fields.h"

#include <algorithm>

namespace cloister {
namespace {

std::string found_kind(const TomlValue& value) {
  switch (value.kind) {
    case TomlValue::Kind::kText: return "text";
    case TomlValue::Kind::kInteger: return "a number";
    case TomlValue::Kind::kTime: return "a time";
    case TomlValue::Kind::kList: return "a list";
    case TomlValue::Kind::kBoolean: return "true or false";
  }
  return "something else";
}

}  // namespace

Error TomlFields::error(std::uint32_t line, const std::string& message) const {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + (what_.empty() ? "" : what_ + ": ") + message);
}

Status TomlFields::expect_only(std::span<const std::string_view> keys) const {
  // By line, so that the first mistake of the text is the one that is told.
  const TomlEntry* first = nullptr;
  for (const TomlEntry& entry : table_->entries) {
    const bool unknown = std::ranges::find(keys, entry.key) == keys.end();
    if (unknown && (first == nullptr || entry.value.line < first->value.line)) first = &entry;
  }
  if (first == nullptr) return {};
  return error(first->value.line, "there is no key " + first->key + suggestion(first->key, keys));
}

std::uint32_t TomlFields::line_of(std::string_view key) const {
  const TomlValue* found = table_->find(key);
  return found == nullptr ? line() : found->line;
}

Result<const TomlValue*> TomlFields::value(std::string_view key) const {
  const TomlValue* found = table_->find(key);
  if (found == nullptr) return error(line(), std::string(key) + " isn't written");
  return found;
}

Result<std::string> TomlFields::text(std::string_view key) const {
  CLOISTER_TRY(const TomlValue* found, value(key));
  if (found->kind == TomlValue::Kind::kText) return found->text;
  return error(found->line, std::string(key) + " is " + found_kind(*found) + ", not text in quotes");
}

Result<Time> TomlFields::time(std::string_view key) const {
  CLOISTER_TRY(const TomlValue* found, value(key));
  if (found->kind == TomlValue::Kind::kTime) return found->time;
  return error(found->line, std::string(key) + " is " + found_kind(*found) +
                                ", not a time with its offset like 2027-01-01T00:00:00Z, without quotes");
}

Result<std::uint32_t> TomlFields::integer(std::string_view key, std::uint32_t min, std::uint32_t max) const {
  CLOISTER_TRY(const TomlValue* found, value(key));
  const bool is_right = found->kind == TomlValue::Kind::kInteger && found->integer >= min && found->integer <= max;
  if (is_right) return static_cast<std::uint32_t>(found->integer);
  return error(found->line,
               std::string(key) + " must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

Result<std::vector<TomlFields::Word>> TomlFields::words(std::string_view key) const {
  const TomlValue* found = table_->find(key);
  if (found == nullptr) return error(line(), std::string(key) + " isn't written: name it, or write \"any\"");
  if (found->kind != TomlValue::Kind::kList) {
    CLOISTER_TRY(std::string only, text(key));
    return std::vector<Word>{{std::move(only), found->line}};
  }
  if (found->list.empty()) return error(found->line, std::string(key) + " is an empty list, which nothing matches");
  std::vector<Word> words;
  for (const TomlValue& item : found->list) {
    if (item.kind != TomlValue::Kind::kText) {
      return error(item.line, std::string(key) + " has " + found_kind(item) + " in it, not text in quotes");
    }
    words.push_back({item.text, item.line});
  }
  return words;
}

Result<std::optional<std::string>> TomlFields::optional_text(std::string_view key) const {
  if (!has(key)) return std::optional<std::string>();
  CLOISTER_TRY(std::string found, text(key));
  return std::optional<std::string>(std::move(found));
}

Result<std::optional<Time>> TomlFields::optional_time(std::string_view key) const {
  if (!has(key)) return std::optional<Time>();
  CLOISTER_TRY(const Time found, time(key));
  return std::optional<Time>(found);
}

Result<std::uint32_t> TomlFields::integer_or(std::string_view key, std::uint32_t min, std::uint32_t max,
                                             std::uint32_t otherwise) const {
  if (!has(key)) return otherwise;
  return integer(key, min, max);
}

Result<bool> TomlFields::boolean_or(std::string_view key, bool otherwise) const {
  const TomlValue* found = table_->find(key);
  if (found == nullptr) return otherwise;
  if (found->kind == TomlValue::Kind::kBoolean) return found->boolean;
  return error(found->line, std::string(key) + " is " + found_kind(*found) + ", not true or false");
}

}  // namespace cloister
