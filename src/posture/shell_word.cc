#include "posture/shell_word.h"

#include "base/reader.h"

namespace cloister::posture {
namespace {

bool is_plain_word(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";
  return !text.empty() && text.front() != '-' && text.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (is_plain_word(text)) return std::string(text);
  static constexpr char kDigits[] = "0123456789abcdef";
  const bool written = is_plain_utf8(text);
  std::string out = written ? "'" : "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (written) {
      out += c == '\'' ? "'\\''" : std::string(1, c);
    } else if (byte < 0x20 || byte >= 0x7F || c == '\'' || c == '\\') {
      out.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]});
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace cloister::posture
