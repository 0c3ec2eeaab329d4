// JSON from outside, RFC 8259: bounded in size, depth and number of values; names in an object are unique. And the
// little that we write of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/bytes.h"

namespace cloister {

struct JsonLimits {
  std::size_t size = std::size_t{1} << 20;
  unsigned depth = 16;
  std::size_t values = 65536;
};

// One value. Numbers without fraction and exponent that fit 64 bits stay exact integers.
class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Member = std::pair<std::string, JsonValue>;
  using Object = std::vector<Member>;  // in the order of the text

  JsonValue() = default;  // null
  JsonValue(bool value) : value_(value) {}
  JsonValue(std::uint64_t value) : value_(value) {}
  JsonValue(std::int64_t value);
  JsonValue(double value) : value_(value) {}
  JsonValue(std::string value) : value_(std::move(value)) {}
  JsonValue(const char* value) : value_(std::string(value)) {}
  JsonValue(Array value) : value_(std::move(value)) {}
  JsonValue(Object value) : value_(std::move(value)) {}

  // Null, or empty, when the value is of another type.
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  std::optional<bool> boolean() const;
  std::optional<std::uint64_t> unsigned_integer() const;
  std::optional<std::int64_t> integer() const;  // one that fits
  std::optional<double> number() const;         // any number; integers above 2^53 are rounded
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

  // The member of that name; null when there is none, or when the value isn't an object.
  const JsonValue* find(std::string_view name) const;
  // The same, moved out: null is left in its place.
  JsonValue take(std::string_view name);

  // Without white space. Text must be valid UTF-8, as everything parsed is.
  std::string serialize() const;

  friend bool operator==(const JsonValue&, const JsonValue&) = default;

 private:
  void write(std::string& out) const;

  std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, std::string, Array, Object> value_;
};

// Exactly one value, with white space around it at most. kInvalid for everything else: what is over the limits, a name
// that an object has twice, comments, numbers beyond a double, text that isn't UTF-8.
Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace cloister
