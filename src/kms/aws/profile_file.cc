#include "kms/aws/profile_file.h"

#include <algorithm>

namespace cloister::kms {
namespace {

constexpr std::size_t kFileMax = 256 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// A comment begins a line, or stands behind white space.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if ((text[i] == '#' || text[i] == ';') && is_space(text[i - 1])) return text.substr(0, i);
  }
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

Result<std::optional<AwsProfile>> parse_aws_profile(std::string_view text, std::string_view section) {
  if (text.size() > kFileMax) return Error(Code::kInvalid, "it is too long");
  std::optional<AwsProfile> profile;
  bool inside = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view plain = trimmed(without_comment(line));
    if (plain.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      if (!plain.ends_with(']')) return Error(Code::kInvalid, "line " + std::to_string(number) + " is no section");
      inside = trimmed(plain.substr(1, plain.size() - 2)) == section;
      if (inside && !profile) profile.emplace();
      continue;
    }
    if (!inside || is_space(line.front())) continue;
    const std::size_t equals = plain.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return Error(Code::kInvalid, "line " + std::to_string(number) + " is no setting");
    }
    (*profile)[lower(trimmed(plain.substr(0, equals)))] = trimmed(plain.substr(equals + 1));
  }
  return profile;
}

}  // namespace cloister::kms
