#include "probe/path/json_fields.h"

#include <algorithm>

#include "base/suggestion.h"

namespace cloister::probe::path {
namespace {

Error wrong(std::string_view name, const std::string& what) {
  return Error(Code::kInvalid, std::string(name) + " " + what);
}

// Names come from outside.
std::string shown(std::string_view text) {
  std::string plain(text.substr(0, 64));
  for (char& c : plain) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return plain;
}

}  // namespace

Result<JsonFields> JsonFields::open(const JsonValue& value, std::span<const std::string_view> names) {
  if (value.object() == nullptr) return Error(Code::kInvalid, "that isn't an object");
  for (const auto& [name, member] : *value.object()) {
    if (std::ranges::find(names, name) == names.end()) {
      return Error(Code::kInvalid, "there is no field " + shown(name) + suggestion(name, names));
    }
  }
  return JsonFields(value);
}

Result<std::string> JsonFields::text(std::string_view name) const {
  const JsonValue* found = value_->find(name);
  if (found == nullptr) return std::string();
  if (found->string() == nullptr) return wrong(name, "isn't text");
  return *found->string();
}

Result<std::uint64_t> JsonFields::number(std::string_view name, std::uint64_t max) const {
  const JsonValue* found = value_->find(name);
  if (found == nullptr) return std::uint64_t{0};
  const auto number = found->unsigned_integer();
  if (!number || *number > max) return wrong(name, "isn't a whole number from 0 to " + std::to_string(max));
  return *number;
}

Result<bool> JsonFields::boolean(std::string_view name) const {
  const JsonValue* found = value_->find(name);
  if (found == nullptr) return false;
  if (!found->boolean()) return wrong(name, "isn't true or false");
  return *found->boolean();
}

Result<Time> JsonFields::time(std::string_view name) const {
  CLOISTER_TRY(const std::string written, text(name));
  auto time = parse_rfc3339(written);
  if (!time.ok()) return wrong(name, "isn't a time like 2027-01-01T00:00:00Z");
  return *time;
}

Result<const JsonValue::Array*> JsonFields::list(std::string_view name) const {
  const JsonValue* found = value_->find(name);
  if (found == nullptr || found->array() == nullptr) return wrong(name, "isn't a list");
  return found->array();
}

Result<std::size_t> JsonFields::word(std::string_view name, std::span<const std::string_view> words) const {
  CLOISTER_TRY(const std::string written, text(name));
  const auto found = std::ranges::find(words, written);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  return wrong(name, "can't be \"" + shown(written) + "\"" + suggestion(written, words));
}

}  // namespace cloister::probe::path
