// Facts as JSON, and the name that their content gives them.
#include "posture/fact.h"

#include <algorithm>

#include "base/json.h"
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

// A string as RFC 8785 3.2.2.2 spells it.
void append_string(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  static constexpr std::string_view kShort = "\b\t\n\f\r\"\\", kLetters = "btnfr\"\\";
  const std::string shown = well_formed(text);
  out += '"';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(shown, begin, i - begin);
    begin = i + 1;
    if (const std::size_t letter = kShort.find(shown[i]); letter != std::string_view::npos) {
      out.append({'\\', kLetters[letter]});
    } else {
      out.append({'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  out.append(shown, begin);
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(out.back() == '{' ? "\"" : ",\"").append(name).append("\":");
  append_string(out, text);
}

void append_value(std::string& out, const FactValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(std::clamp(*number, -kNumberMax, kNumberMax));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_string(out, *text);
  } else {
    out += '[';
    for (const std::string& item : *std::get_if<std::vector<std::string>>(&value)) {
      if (out.back() != '[') out += ',';
      append_string(out, item);
    }
    out += ']';
  }
}

// Names are ordered by their UTF-16 code units (RFC 8785 3.2.3), where characters beyond the first plane, which begin
// with D8 to DF there, come before those from U+E000 on. In UTF-8 it is the other way round.
struct NameOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto [left, right] = std::ranges::mismatch(a, b);
    if (left == a.end() || right == b.end()) return left == a.end() && right != b.end();
    const auto one = static_cast<unsigned char>(*left), other = static_cast<unsigned char>(*right);
    if (one >= 0xEE && other >= 0xEE && (one >= 0xF0) != (other >= 0xF0)) return one >= 0xF0;
    return one < other;
  }
};

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

// Members in canonical order, written at once: a run has a hundred thousand facts, and each is named by this text.
std::string fact_json(const Fact& fact) {
  std::string out = "{";
  append_member(out, "at", to_rfc3339(fact.at));
  append_member(out, "collector", fact.collector);
  append_member(out, "format", kFormat);
  append_member(out, "kind", fact.kind);
  append_member(out, "method", name_of(fact.method));
  if (fact.not_assessed) append_member(out, "not_assessed", *fact.not_assessed);
  append_member(out, "raw", fact.raw);
  append_member(out, "scope", fact.scope);
  out += fact.simulated ? ",\"simulated\":true" : ",\"simulated\":false";
  append_member(out, "subject", fact.subject.id);
  append_member(out, "subject_kind", name_of(fact.subject.kind));
  append_member(out, "valid_until", to_rfc3339(fact.valid_until));
  out += ",\"values\":{";
  std::map<std::string, const FactValue*, NameOrder> values;
  for (const auto& [name, value] : fact.values) values.emplace(well_formed(name), &value);
  for (const auto& [name, value] : values) {
    if (out.back() != '{') out += ',';
    append_string(out, name);
    out += ':';
    append_value(out, *value);
  }
  return out + "}}";
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
