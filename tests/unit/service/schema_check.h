// Answers held against docs/api/openapi.json: the part of JSON Schema 2020-12 that it uses, and nothing else, so that a
// word this doesn't know fails the test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "net/http_message.h"
#include "service/openapi.h"

namespace cloister::service {

class ApiDescription {
 public:
  using Json = nlohmann::json;
  ApiDescription() : root_(Json::parse(openapi_text())) {}

  const Json& root() const { return root_; }

  // "" when `value` is what `schema` says, else what is wrong and where.
  std::string fault(const Json& schema, const Json& value, const std::string& at = "$") const {
    if (schema.contains("$ref")) return fault(resolve(schema), value, at);
    for (const auto& [word, meaning] : schema.items()) {
      const std::string wrong = fault_of(word, meaning, schema, value, at);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  // "" when the answer is one that the description has for this request.
  std::string fault_of_answer(const std::string& method, std::string_view path, const net::Response& response) const {
    const std::string* type = response.headers.find("content-type");
    const std::string media = type == nullptr ? "" : *type;
    const Json* operation = find(method, path);
    const Json* answer = nullptr;
    if (operation != nullptr) {
      const auto& responses = (*operation)["responses"];
      const std::string status = std::to_string(response.status);
      if (!responses.contains(status)) return "status " + status + " isn't described";
      answer = &resolve(responses[status]);
    } else {
      answer = &root_["components"]["responses"]["Problem"];
    }
    if (!(*answer)["content"].contains(media)) return "content-type " + media + " isn't described";
    if (media.starts_with("text/")) return "";
    return fault((*answer)["content"][media]["schema"], Json::parse(as_text(response.body)));
  }

 private:
  const Json& resolve(const Json& either) const {
    if (!either.contains("$ref")) return either;
    return root_.at(Json::json_pointer(either["$ref"].get<std::string>().substr(1)));
  }

  const Json* find(std::string method, std::string_view path) const {
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    for (const auto& [pattern, operations] : root_["paths"].items()) {
      const std::regex matcher(std::regex_replace(pattern, std::regex("\\{[a-z]+\\}"), "[^/]+"));
      if (!operations.contains(method)) continue;
      if (std::regex_match(path.begin(), path.end(), matcher)) return &operations[method];
    }
    return nullptr;
  }

  static bool is_type(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
  }

  std::string fault_of(const std::string& word, const Json& meaning, const Json& schema, const Json& value,
                       const std::string& at) const {
    const auto unless = [&](bool right, const std::string& what) { return right ? "" : at + " " + what; };
    if (word == "description" || word == "format" || word == "contentEncoding") return "";
    if (word == "type") {
      bool right = meaning.is_string() && is_type(meaning.get<std::string>(), value);
      if (meaning.is_array()) {
        for (const Json& type : meaning) right |= is_type(type.get<std::string>(), value);
      }
      return unless(right, "isn't of type " + meaning.dump());
    }
    if (word == "properties") return fault_of_members(meaning, value, at);
    if (word == "required") {
      for (const Json& name : meaning) {
        if (!value.contains(name.get<std::string>())) return at + " has no " + name.get<std::string>();
      }
      return "";
    }
    if (word == "additionalProperties") {
      for (const auto& [name, member] : value.items()) {
        if (!schema["properties"].contains(name)) return at + " has " + name + ", which isn't described";
      }
      return "";
    }
    if (word == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        const std::string wrong = fault(meaning, value[i], at + "[" + std::to_string(i) + "]");
        if (!wrong.empty()) return wrong;
      }
      return "";
    }
    if (word == "oneOf") {
      int right = 0;
      for (const Json& one : meaning) right += fault(one, value, at).empty() ? 1 : 0;
      return unless(right == 1, "is " + std::to_string(right) + " of its kinds");
    }
    return fault_of_value(word, meaning, value, at);
  }

  std::string fault_of_members(const Json& meaning, const Json& value, const std::string& at) const {
    for (const auto& [name, member] : value.items()) {
      if (!meaning.contains(name)) continue;
      const std::string wrong = fault(meaning[name], member, at + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  static std::string fault_of_value(const std::string& word, const Json& meaning, const Json& value,
                                    const std::string& at) {
    const auto unless = [&](bool right, const std::string& what) { return right ? "" : at + " " + what; };
    if (word == "enum") {
      return unless(std::find(meaning.begin(), meaning.end(), value) != meaning.end(),
                    "isn't one of " + meaning.dump());
    }
    if (!value.is_string() && (word == "pattern" || word.ends_with("Length"))) return "";
    if (word == "pattern") {
      return unless(std::regex_match(value.get<std::string>(), std::regex(meaning.get<std::string>())),
                    "doesn't fit " + meaning.dump());
    }
    const bool number = value.is_number();
    if (word == "minimum") return unless(!number || value.get<double>() >= meaning.get<double>(), "is too small");
    if (word == "maximum") return unless(!number || value.get<double>() <= meaning.get<double>(), "is too large");
    if (word == "minLength") return unless(value.get<std::string>().size() >= meaning.get<std::size_t>(), "is short");
    if (word == "maxLength") return unless(value.get<std::string>().size() <= meaning.get<std::size_t>(), "is long");
    if (word == "minItems") return unless(value.size() >= meaning.get<std::size_t>(), "has too few");
    if (word == "maxItems") return unless(value.size() <= meaning.get<std::size_t>(), "has too many");
    return at + " has an unknown word " + word;
  }

  const Json root_;
};

}  // namespace cloister::service
