// Selectors from text.
#include "mesh/selector.h"

#include <algorithm>

#include "base/error.h"

namespace cloister::mesh {
namespace {

bool is_type_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Result<Selector> parse_selector(std::string_view text) {
  if (text.size() > kSelectorMax)
    return Error(Code::kInvalid, "a selector has more than " + std::to_string(kSelectorMax) + " bytes");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return Error(Code::kInvalid, "a selector is written type:value, such as unix:uid:1000");
  }
  const std::string_view type = text.substr(0, colon), value = text.substr(colon + 1);
  if (!std::ranges::all_of(type, is_type_character)) {
    return Error(Code::kInvalid, "a selector's type has lower-case letters, digits, '_' and '-' only");
  }
  if (std::ranges::any_of(value, is_control))
    return Error(Code::kInvalid, "a selector's value has a control character");
  return Selector{std::string(type), std::string(value)};
}

}  // namespace cloister::mesh
