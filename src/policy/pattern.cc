#include "policy/pattern.h"

#include <algorithm>

namespace cloister::policy {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kAny = "any";
constexpr std::string_view kNone = "none";
constexpr std::string_view kRest = "/**";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_mark(char c) { return c == '.' || c == '_' || c == '-'; }
bool is_trust_domain_character(char c) { return is_lower_or_digit(c) || is_mark(c); }
bool is_segment_character(char c) { return is_trust_domain_character(c) || (c >= 'A' && c <= 'Z'); }
bool is_segment_or_star(char c) { return is_segment_character(c) || c == '*'; }
bool is_name_or_star(char c) { return is_trust_domain_character(c) || c == '*'; }

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

// SPIFFE-ID 2.1, 2.2. `stars` says whether segments may be patterns.
Status check_part(std::string_view part, bool is_trust_domain, bool (*is_right)(char)) {
  if (part.empty()) return invalid(is_trust_domain ? "it has no trust domain" : "it has an empty path segment");
  if (is_trust_domain) {
    if (part.size() > kTrustDomainSizeMax) return invalid("its trust domain is too long");
    if (!std::ranges::all_of(part, is_trust_domain_character)) {
      return invalid("its trust domain has a character other than a-z 0-9 . _ -");
    }
    return {};
  }
  if (part == "." || part == "..") return invalid("it has a path segment that is a dot");
  if (!std::ranges::all_of(part, is_right)) return invalid("its path has a character that no SPIFFE id has");
  return {};
}

}  // namespace

std::string_view CallerId::part(std::size_t i) const {
  const std::size_t begin = i == 0 ? kScheme.size() : ends_[i - 1] + 1u;
  return text_.substr(begin, ends_[i] - begin);
}

Result<CallerId> CallerId::parse(std::string_view text) {
  if (!text.starts_with(kScheme)) return invalid("it doesn't start with spiffe://");
  if (text.size() > kCallerSizeMax) return invalid("it is longer than 2048 bytes");
  CallerId id;
  id.text_ = text;
  std::size_t begin = kScheme.size();
  while (true) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    if (id.parts_ == kCallerPartsMax) return invalid("it has more than 31 path segments");
    CLOISTER_RETURN_IF_ERROR(check_part(text.substr(begin, end - begin), id.parts_ == 0, is_segment_character));
    id.ends_[id.parts_++] = static_cast<std::uint16_t>(end);
    if (end == text.size()) return id;
    begin = end + 1;
  }
}

Result<Glob> Glob::parse(std::string_view text) {
  Glob glob;
  const std::size_t star = text.find('*');
  glob.before_ = text.substr(0, star);
  if (star == std::string_view::npos) return glob;
  glob.star_ = true;
  glob.after_ = text.substr(star + 1);
  if (glob.after_.find('*') != std::string::npos) return invalid("at most one * can stand in a part of a pattern");
  return glob;
}

bool Glob::matches(std::string_view text) const {
  if (!star_) return text == before_;
  return text.size() >= before_.size() + after_.size() && text.starts_with(before_) && text.ends_with(after_);
}

Result<CallerPattern> CallerPattern::parse(std::string_view text) {
  CallerPattern pattern;
  pattern.text_ = text;
  pattern.any_ = text == kAny;
  if (pattern.any_) return pattern;
  if (!text.starts_with(kScheme)) return invalid("a caller is a SPIFFE id like spiffe://acme.example/train/*, or any");
  if (text.size() > kCallerSizeMax) return invalid("a caller's pattern is longer than 2048 bytes");
  pattern.rest_ = text.ends_with(kRest);
  std::string_view parts = text.substr(kScheme.size());
  // "spiffe:///**" has less than nothing before its end.
  if (pattern.rest_) parts.remove_suffix(std::min(kRest.size(), parts.size()));
  while (true) {
    const std::size_t end = std::min(parts.find('/'), parts.size());
    const std::string_view part = parts.substr(0, end);
    if (part == "**") return invalid("** can only stand at the end");
    if (pattern.globs_.size() == kCallerPartsMax) return invalid("a caller's pattern has more than 31 path segments");
    CLOISTER_RETURN_IF_ERROR(
        check_part(part, pattern.globs_.empty(), is_segment_or_star).with_context("a caller's pattern"));
    CLOISTER_TRY(Glob glob, Glob::parse(part));
    pattern.globs_.push_back(std::move(glob));
    if (end == parts.size()) return pattern;
    parts.remove_prefix(end + 1);
  }
}

bool CallerPattern::matches(const CallerId& caller) const {
  if (any()) return true;
  if (rest_ ? caller.parts() <= globs_.size() : caller.parts() != globs_.size()) return false;
  for (std::size_t i = 0; i < globs_.size(); ++i) {
    if (!globs_[i].matches(caller.part(i))) return false;
  }
  return true;
}

std::size_t CallerPattern::literal_parts() const {
  return static_cast<std::size_t>(std::ranges::find_if_not(globs_, &Glob::literal) - globs_.begin());
}

std::string_view CallerPattern::literal_prefix(std::size_t parts) const {
  if (parts == 0) return "";
  std::size_t end = kScheme.size() - 1;
  for (std::size_t i = 0; i < parts; ++i) end = std::min(text_.find('/', end + 1), text_.size());
  return std::string_view(text_).substr(0, end);
}

Result<NamePattern> NamePattern::parse(std::string_view text, None none) {
  NamePattern pattern;
  pattern.text_ = text;
  if (text == kAny) {
    pattern.kind_ = Kind::kAny;
    return pattern;
  }
  if (text == kNone) {
    if (none == None::kRefuse) return invalid("the word none is for environments only");
    pattern.kind_ = Kind::kNone;
    return pattern;
  }
  if (text == "*" || text == "**") return invalid("a lone * would be everything: write any if that is meant");
  const bool starts_right = !text.empty() && (is_lower_or_digit(text.front()) || text.front() == '*');
  if (!starts_right || text.size() > kNameSizeMax || !std::ranges::all_of(text, is_name_or_star)) {
    return invalid("a name is 1 to 63 of a-z 0-9 . _ - and at most one *, starting with a letter, a digit or the *");
  }
  CLOISTER_TRY(pattern.glob_, Glob::parse(text));
  pattern.kind_ = pattern.glob_.literal() ? Kind::kName : Kind::kGlob;
  return pattern;
}

bool NamePattern::matches(std::string_view name) const {
  switch (kind_) {
    case Kind::kAny: return true;
    case Kind::kNone: return name.empty();
    case Kind::kName:
    case Kind::kGlob: return !name.empty() && glob_.matches(name);
  }
  return false;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameSizeMax && is_lower_or_digit(text.front()) &&
         std::ranges::all_of(text, is_trust_domain_character) && text != kAny && text != kNone;
}

}  // namespace cloister::policy
