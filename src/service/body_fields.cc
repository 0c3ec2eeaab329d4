#include "service/body_fields.h"

#include <algorithm>
#include <charconv>

namespace cloister::service {
namespace {

constexpr JsonLimits kLimits{.size = std::size_t{64} << 10, .depth = 16, .values = 1024};

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

// As much of a name that was sent as an answer repeats.
std::string shown(std::string_view name) {
  std::string text(name.substr(0, 32));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

}  // namespace

Result<BodyFields> BodyFields::parse(const net::Request& request, std::initializer_list<std::string_view> known) {
  BodyFields fields;
  fields.root_ = JsonValue(JsonValue::Object{});
  if (request.body.empty()) return fields;
  const auto parsed = parse_json(as_text(request.body), kLimits);
  if (!parsed.ok()) return invalid("the body isn't JSON as it is taken here: " + parsed.error().message());
  if (parsed->object() == nullptr) return invalid("the body is no JSON object");
  for (const auto& [name, value] : *parsed->object()) {
    if (std::ranges::find(known, name) == known.end()) return invalid("the body has an unknown field " + shown(name));
  }
  fields.root_ = *parsed;
  return fields;
}

bool BodyFields::is_null(std::string_view name) const {
  const JsonValue* value = root_.find(name);
  return value != nullptr && value->is_null();
}

Result<std::string> BodyFields::text(std::string_view name) const {
  const JsonValue* value = root_.find(name);
  if (value == nullptr) return invalid("the body has no " + std::string(name));
  if (value->string() == nullptr) return invalid("the body's " + std::string(name) + " is no text");
  return *value->string();
}

Result<std::uint64_t> BodyFields::number(std::string_view name, std::uint64_t min, std::uint64_t max) const {
  const JsonValue* value = root_.find(name);
  if (value == nullptr) return invalid("the body has no " + std::string(name));
  const auto number = value->unsigned_integer();
  if (!number || *number < min || *number > max) {
    return invalid("the body's " + std::string(name) + " is a whole number from " + std::to_string(min) + " to " +
                   std::to_string(max));
  }
  return *number;
}

Result<bool> BodyFields::truth(std::string_view name) const {
  const JsonValue* value = root_.find(name);
  if (value == nullptr) return false;
  const auto truth = value->boolean();
  if (!truth) return invalid("the body's " + std::string(name) + " is neither true nor false");
  return *truth;
}

Result<std::optional<std::string>> BodyFields::optional_text(std::string_view name) const {
  if (!has(name)) return std::optional<std::string>();
  CLOISTER_TRY(std::string value, text(name));
  return std::optional(std::move(value));
}

Result<QueryFields> QueryFields::parse(const net::Request& request, std::initializer_list<std::string_view> known) {
  QueryFields fields;
  std::string_view rest = request.query();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view name = field.substr(0, equals);
    if (std::ranges::find(known, name) == known.end()) return invalid("the query has an unknown field " + shown(name));
    if (std::ranges::find(fields.all_, name, &std::pair<std::string, std::uint64_t>::first) != fields.all_.end()) {
      return invalid("the query has " + std::string(name) + " twice");
    }
    const std::string_view text = field.substr(std::min(equals + 1, field.size()));
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
      return invalid("the query's " + std::string(name) + " is no whole number");
    }
    fields.all_.emplace_back(name, number);
  }
  return fields;
}

Result<std::uint64_t> QueryFields::number(std::string_view name, std::uint64_t max,
                                          std::optional<std::uint64_t> otherwise) const {
  const auto found = std::ranges::find(all_, name, &std::pair<std::string, std::uint64_t>::first);
  if (found == all_.end()) {
    if (otherwise) return *otherwise;
    return invalid("the query has no " + std::string(name));
  }
  if (found->second > max) return invalid("the query's " + std::string(name) + " is at most " + std::to_string(max));
  return found->second;
}

}  // namespace cloister::service
