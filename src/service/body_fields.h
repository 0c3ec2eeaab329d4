// The fields of a small body, and of a query: taken by name, none passed over.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "base/json.h"
#include "net/http_message.h"

namespace cloister::service {

// A JSON object. An empty body is an empty object. For bodies without keys in them.
class BodyFields {
 public:
  // kInvalid for what is no JSON object, and for a field that isn't among `known`.
  static Result<BodyFields> parse(const net::Request& request, std::initializer_list<std::string_view> known);

  bool has(std::string_view name) const { return root_.find(name) != nullptr; }
  bool is_null(std::string_view name) const;
  // kInvalid where it isn't there, or isn't of the kind.
  Result<std::string> text(std::string_view name) const;
  Result<std::uint64_t> number(std::string_view name, std::uint64_t min, std::uint64_t max) const;
  // False where it isn't there.
  Result<bool> truth(std::string_view name) const;
  // Nothing where it isn't there.
  Result<std::optional<std::string>> optional_text(std::string_view name) const;

 private:
  JsonValue root_;
};

// "from=0&count=100": whole numbers only.
class QueryFields {
 public:
  static Result<QueryFields> parse(const net::Request& request, std::initializer_list<std::string_view> known);
  // kInvalid where it isn't there and there is no `otherwise`, and out of bounds.
  Result<std::uint64_t> number(std::string_view name, std::uint64_t max,
                               std::optional<std::uint64_t> otherwise = {}) const;

 private:
  std::vector<std::pair<std::string, std::uint64_t>> all_;
};

}  // namespace cloister::service
