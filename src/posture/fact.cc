// Facts as JSON, and the name that their content gives them.
#include "posture/fact.h"

#include <algorithm>

#include "base/canonical_json.h"
#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFormat = "cloister-fact/1";
constexpr std::size_t kFactSizeMax = std::size_t{4} << 20;

constexpr std::int64_t kNumberMax = (std::int64_t{1} << 53) - 1;

// File names may be any bytes, JSON may not: what is no well-formed text becomes \xNN.
std::string well_formed(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U;
    const std::string_view character = text.substr(i, size);
    if (lead < 0x80 || is_plain_utf8(character)) {
      out += character;
      i += size;
    } else {
      out.append({'\\', 'x', kDigits[lead >> 4], kDigits[lead & 15]});
      ++i;
    }
  }
  return out;
}

JsonValue value_json(const FactValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::clamp(*number, -kNumberMax, kNumberMax);
  if (const auto* text = std::get_if<std::string>(&value)) return well_formed(*text);
  JsonValue::Array items;
  for (const std::string& item : *std::get_if<std::vector<std::string>>(&value)) items.emplace_back(well_formed(item));
  return items;
}

JsonValue to_json(const Fact& fact) {
  JsonValue::Object values;
  for (const auto& [name, value] : fact.values) values.emplace_back(well_formed(name), value_json(value));
  JsonValue::Object out = {{"format", std::string(kFormat)},
                           {"kind", well_formed(fact.kind)},
                           {"subject_kind", std::string(name_of(fact.subject.kind))},
                           {"subject", well_formed(fact.subject.id)},
                           {"collector", well_formed(fact.collector)},
                           {"scope", well_formed(fact.scope)},
                           {"method", std::string(name_of(fact.method))},
                           {"at", to_rfc3339(fact.at)},
                           {"valid_until", to_rfc3339(fact.valid_until)},
                           {"simulated", fact.simulated},
                           {"values", std::move(values)},
                           {"raw", well_formed(fact.raw)}};
  if (fact.not_assessed) out.emplace_back("not_assessed", well_formed(*fact.not_assessed));
  return out;
}

Error malformed(const std::string& what) { return Error(Code::kInvalid, "a fact " + what); }

Result<std::string> take_text(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  if (member == nullptr || member->string() == nullptr) return malformed("has no text \"" + std::string(name) + "\"");
  return *member->string();
}

Result<Time> take_time(const JsonValue& json, std::string_view name) {
  CLOISTER_TRY(const std::string text, take_text(json, name));
  return parse_rfc3339(text);
}

Result<FactValue> take_value(const std::string& name, const JsonValue& json) {
  if (const auto truth = json.boolean()) return FactValue(*truth);
  if (json.string() != nullptr) return FactValue(*json.string());
  if (json.array() != nullptr) {
    std::vector<std::string> items;
    for (const JsonValue& item : *json.array()) {
      if (item.string() == nullptr) return malformed("has a list \"" + name + "\" of something else than texts");
      items.push_back(*item.string());
    }
    return FactValue(std::move(items));
  }
  if (const auto number = json.integer()) return FactValue(*number);
  return malformed("has a value \"" + name + "\" that is neither truth, whole number, text nor list");
}

Result<Method> parse_method(std::string_view text) {
  for (const Method method : {Method::kExamine, Method::kTest, Method::kRecord}) {
    if (name_of(method) == text) return method;
  }
  return malformed("was made by a method that isn't known");
}

Status take_values(const JsonValue& json, Fact& fact) {
  const JsonValue* values = json.find("values");
  if (values == nullptr || values->object() == nullptr) return malformed("has no values");
  for (const auto& [name, value] : *values->object()) {
    CLOISTER_TRY(fact.values[name], take_value(name, value));
  }
  return ok_status();
}

Status take_state(const JsonValue& json, Fact& fact) {
  const JsonValue* simulated = json.find("simulated");
  if (simulated == nullptr || !simulated->boolean()) return malformed("doesn't say whether it is simulated");
  fact.simulated = *simulated->boolean();
  if (json.find("not_assessed") != nullptr) {
    CLOISTER_TRY(fact.not_assessed, take_text(json, "not_assessed"));
    if (!fact.values.empty()) return malformed("has values, and says that it couldn't look");
  }
  return ok_status();
}

template <typename T>
const T* find_as(const FactValues& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::kExamine: return "examine";
    case Method::kTest: return "test";
    case Method::kRecord: return "record";
  }
  return "?";
}

const std::string* Fact::text(std::string_view name) const { return find_as<std::string>(values, name); }
const std::vector<std::string>* Fact::list(std::string_view name) const {
  return find_as<std::vector<std::string>>(values, name);
}
std::optional<bool> Fact::truth(std::string_view name) const {
  const bool* value = find_as<bool>(values, name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}
std::optional<std::int64_t> Fact::number(std::string_view name) const {
  const std::int64_t* value = find_as<std::int64_t>(values, name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::string fact_json(const Fact& fact) {
  const Result<std::string> text = canonical_json(to_json(fact));
  CLOISTER_CHECK(text.ok());  // there is no number beyond 2^53 in it
  return *text;
}

std::string Fact::id() const {
  const std::string text = fact_json(*this);
  return to_hex(crypto::sha256(as_bytes(text)));
}

Result<Fact> parse_fact(std::string_view text) {
  CLOISTER_TRY(const JsonValue json, parse_json(text, {.size = kFactSizeMax, .depth = 8, .values = 1 << 20}));
  CLOISTER_TRY(const std::string format, take_text(json, "format"));
  if (format != kFormat) return Error(Code::kUnsupported, "a fact is of a format that this program doesn't know");
  Fact fact;
  CLOISTER_TRY(fact.kind, take_text(json, "kind"));
  CLOISTER_TRY(const std::string subject_kind, take_text(json, "subject_kind"));
  CLOISTER_TRY(fact.subject.kind, parse_subject_kind(subject_kind));
  CLOISTER_TRY(fact.subject.id, take_text(json, "subject"));
  CLOISTER_TRY(fact.collector, take_text(json, "collector"));
  CLOISTER_TRY(fact.scope, take_text(json, "scope"));
  CLOISTER_TRY(const std::string method, take_text(json, "method"));
  CLOISTER_TRY(fact.method, parse_method(method));
  CLOISTER_TRY(fact.at, take_time(json, "at"));
  CLOISTER_TRY(fact.valid_until, take_time(json, "valid_until"));
  CLOISTER_TRY(fact.raw, take_text(json, "raw"));
  CLOISTER_RETURN_IF_ERROR(take_values(json, fact));
  CLOISTER_RETURN_IF_ERROR(take_state(json, fact));
  if (fact_json(fact) != text) return malformed("isn't in its canonical spelling");
  return fact;
}

}  // namespace cloister::posture
