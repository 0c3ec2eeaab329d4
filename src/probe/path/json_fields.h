// Fields of a JSON object that must be as they are asked for.
#pragma once

#include <span>

#include "base/clock.h"
#include "base/json.h"

namespace cloister::probe::path {

// A view: the value outlives it. kInvalid, with the field's name, for one that isn't of the kind.
class JsonFields {
 public:
  // kInvalid unless it is an object and has no other members than these.
  static Result<JsonFields> open(const JsonValue& value, std::span<const std::string_view> names);

  // Where there is no such member: "", 0, false.
  Result<std::string> text(std::string_view name) const;
  Result<std::uint64_t> number(std::string_view name, std::uint64_t max) const;
  Result<bool> boolean(std::string_view name) const;
  // These must be there.
  Result<Time> time(std::string_view name) const;
  Result<const JsonValue::Array*> list(std::string_view name) const;
  // The position of the text among `words`.
  Result<std::size_t> word(std::string_view name, std::span<const std::string_view> words) const;
  bool has(std::string_view name) const { return value_->find(name) != nullptr; }
  const JsonValue* find(std::string_view name) const { return value_->find(name); }

 private:
  explicit JsonFields(const JsonValue& value) : value_(&value) {}
  const JsonValue* value_;
};

}  // namespace cloister::probe::path
