#include "base/canonical_json.h"

#include <algorithm>
#include <cmath>

namespace cloister {
namespace {

constexpr double kExactMax = 9007199254740991.0;  // 2^53 - 1

// The code units of well-formed UTF-8, which is all that JsonValue holds.
std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U;
    char32_t point = size == 1 ? lead : lead & (0x7FU >> size);
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k) {
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    i += size;
    if (point < 0x10000) {
      out.push_back(static_cast<char16_t>(point));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + (point & 0x3FF)));
    }
  }
  return out;
}

void write_string(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  static constexpr char kLetters[] = "btn-fr";  // of 08 to 0d; 0b has none
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte >= 0x08 && byte <= 0x0D && byte != 0x0B) {
      out.append({'\\', kLetters[byte - 0x08U]});
    } else if (byte < 0x20) {
      out.append({'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]});
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

Status write(std::string& out, const JsonValue& value);

Status write_object(std::string& out, const JsonValue::Object& members) {
  std::vector<std::pair<std::u16string, const JsonValue::Member*>> sorted;
  for (const JsonValue::Member& member : members) sorted.emplace_back(utf16(member.first), &member);
  std::ranges::sort(sorted);
  out.push_back('{');
  for (const auto& [units, member] : sorted) {
    if (out.back() != '{') out.push_back(',');
    write_string(out, member->first);
    out.push_back(':');
    CLOISTER_RETURN_IF_ERROR(write(out, member->second));
  }
  out.push_back('}');
  return {};
}

Status write_array(std::string& out, const JsonValue::Array& items) {
  out.push_back('[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.push_back(',');
    CLOISTER_RETURN_IF_ERROR(write(out, items[i]));
  }
  out.push_back(']');
  return {};
}

Status write(std::string& out, const JsonValue& value) {
  if (const auto* text = value.string()) {
    write_string(out, *text);
  } else if (const auto number = value.number()) {
    if (std::trunc(*number) != *number || std::abs(*number) > kExactMax) {
      return Error(Code::kUnsupported, "canonical JSON with a number that isn't a small integer");
    }
    out.append(std::to_string(static_cast<std::int64_t>(*number)));
  } else if (const auto* items = value.array()) {
    return write_array(out, *items);
  } else if (const auto* members = value.object()) {
    return write_object(out, *members);
  } else {
    out.append(value.is_null() ? "null" : value.boolean().value() ? "true" : "false");
  }
  return {};
}

}  // namespace

Result<std::string> canonical_json(const JsonValue& value) {
  std::string out;
  CLOISTER_RETURN_IF_ERROR(write(out, value));
  return out;
}

}  // namespace cloister
