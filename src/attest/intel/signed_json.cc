#include "attest/intel/signed_json.h"

#include <algorithm>

namespace cloister::attest::intel {
namespace {

constexpr JsonLimits kLimits{kSignedJsonSizeMax, 12, 65536};
constexpr std::size_t kAdvisoriesMax = 128;
constexpr std::size_t kAdvisorySizeMax = 64;

Error malformed(std::string_view name) {
  return Error(Code::kInvalid, "\"" + std::string(name) + "\" is missing or malformed");
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool ends_value(char c) { return c == ',' || c == '}' || is_space(c); }

// Walks over an object that is known to be JSON and says where its members stand.
class Members {
 public:
  explicit Members(std::string_view text) : text_(text) {}

  // The value of that name, as it is written. Names are compared as they stand there: without escapes.
  std::string_view find(std::string_view wanted) {
    skip_space();
    ++at_;  // {
    while (true) {
      skip_space();
      if (text_[at_] == '}') return {};
      const std::string_view name = string();
      skip_space();
      ++at_;  // :
      skip_space();
      const std::string_view whole = value();
      if (name.substr(1, name.size() - 2) == wanted) return whole;
      skip_space();
      if (text_[at_] == ',') ++at_;
    }
  }

 private:
  void skip_space() {
    while (is_space(text_[at_])) ++at_;
  }
  std::string_view string() {
    const std::size_t first = at_++;
    while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    return text_.substr(first, ++at_ - first);
  }
  std::string_view value() {
    const std::size_t first = at_;
    unsigned depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0 || !ends_value(text_[at_]));
    return text_.substr(first, at_ - first);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<SignedJson> parse_signed_json(ByteView bytes, std::string_view member) {
  const std::string_view text = as_text(bytes);
  CLOISTER_TRY(JsonValue whole, parse_json(text, kLimits));
  const JsonValue::Object* members = whole.object();
  if (members == nullptr || members->size() != 2) return malformed(member);
  const JsonValue* inner = whole.find(member);
  if (inner == nullptr || inner->object() == nullptr) return malformed(member);
  SignedJson parsed;
  CLOISTER_TRY(parsed.signature, hex_member(whole, "signature", 64));
  parsed.value = whole.take(member);
  parsed.text = Members(text).find(member);
  if (parsed.text.empty()) return malformed(member);
  return parsed;
}

Result<std::string> text_member(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr || member->string() == nullptr) return malformed(name);
  return *member->string();
}

Result<std::uint64_t> number_member(const JsonValue& object, std::string_view name, std::uint64_t max) {
  const JsonValue* member = object.find(name);
  const auto value = member == nullptr ? std::nullopt : member->unsigned_integer();
  if (!value || *value > max) return malformed(name);
  return *value;
}

Result<Bytes> hex_member(const JsonValue& object, std::string_view name, std::size_t size) {
  CLOISTER_TRY(const std::string text, text_member(object, name));
  auto bytes = from_hex(text);
  if (!bytes.ok() || bytes->size() != size) return malformed(name);
  return bytes;
}

Result<Time> time_member(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string text, text_member(object, name));
  auto time = parse_rfc3339(text);
  if (!time.ok()) return malformed(name);
  return time;
}

Result<const JsonValue::Array*> array_member(const JsonValue& object, std::string_view name, std::size_t max) {
  const JsonValue* member = object.find(name);
  const JsonValue::Array* items = member == nullptr ? nullptr : member->array();
  if (items == nullptr || items->empty() || items->size() > max) return malformed(name);
  return items;
}

Result<std::vector<std::string>> advisories_of(const JsonValue& level) {
  std::vector<std::string> advisories;
  const JsonValue* member = level.find("advisoryIDs");
  if (member == nullptr) return advisories;
  if (member->array() == nullptr || member->array()->size() > kAdvisoriesMax) return malformed("advisoryIDs");
  for (const JsonValue& item : *member->array()) {
    if (item.string() == nullptr || item.string()->size() > kAdvisorySizeMax) return malformed("advisoryIDs");
    advisories.push_back(*item.string());
  }
  return advisories;
}

}  // namespace cloister::attest::intel
