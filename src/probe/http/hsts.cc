// Strict-Transport-Security headers.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "probe/http/http_checks.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kHeaderMax = 1024;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Result<std::uint64_t> seconds_of(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return Error(Code::kInvalid, "max-age is no number of seconds");
  }
  return value;
}

}  // namespace

Result<HstsPolicy> parse_hsts(std::string_view header) {
  if (header.size() > kHeaderMax) return Error(Code::kInvalid, "the header is too long");
  HstsPolicy policy;
  std::vector<std::string> names;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    const std::string_view directive = trimmed(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    if (directive.empty()) continue;
    const std::size_t equals = std::min(directive.find('='), directive.size());
    const std::string name = lower(trimmed(directive.substr(0, equals)));
    if (std::ranges::find(names, name) != names.end()) return Error(Code::kInvalid, "a directive is there twice");
    names.push_back(name);
    if (name == "includesubdomains") policy.subdomains = true;
    if (name == "preload") policy.preload = true;
    if (name != "max-age") continue;
    if (equals == directive.size()) return Error(Code::kInvalid, "max-age has no value");
    CLOISTER_TRY(policy.max_age_seconds, seconds_of(trimmed(directive.substr(equals + 1))));
  }
  if (std::ranges::find(names, "max-age") == names.end()) return Error(Code::kInvalid, "there is no max-age");
  return policy;
}

}  // namespace cloister::probe
