#include "kms/form_body.h"

namespace cloister::kms {
namespace {

bool stays(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '-' || character == '.' || character == '_' ||
         character == '~';
}

template <typename Text>
void append_encoded(std::string_view text, Text& out) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char character : text) {
    if (stays(character)) {
      out.push_back(static_cast<typename Text::value_type>(character));
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    out.push_back('%');
    out.push_back(static_cast<typename Text::value_type>(kDigits[byte >> 4]));
    out.push_back(static_cast<typename Text::value_type>(kDigits[byte & 15]));
  }
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  append_encoded(text, out);
  return out;
}

FormBody& FormBody::add(std::string_view name, std::string_view value) {
  if (!body_.empty()) body_.push_back('&');
  append_encoded(name, body_);
  body_.push_back('=');
  append_encoded(value, body_);
  return *this;
}

}  // namespace cloister::kms
