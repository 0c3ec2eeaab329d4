#include "identity/spiffe_id.h"

#include <algorithm>

namespace cloister::identity {
namespace {

constexpr std::string_view kScheme = "spiffe://";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_name_character(char c) { return is_lower_or_digit(c) || is_upper(c) || c == '.' || c == '-' || c == '_'; }

Error refused(std::string_view why) { return Error(Code::kInvalid, "no SPIFFE ID: " + std::string(why)); }

Status check_path(std::string_view path) {
  if (path.empty()) return {};
  if (path.front() != '/') return refused("the path doesn't begin with a slash");
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty()) {
      return refused(path.empty() ? "the path ends with a slash" : "the path has an empty segment");
    }
    if (segment == "." || segment == "..") return refused("the path has a segment of dots");
    if (!std::ranges::all_of(segment, is_name_character)) {
      return refused("the path has a character other than letters, digits, '.', '-' and '_'");
    }
    path.remove_prefix(segment.size());
  }
  return {};
}

}  // namespace

Result<TrustDomain> TrustDomain::parse(std::string_view name) {
  if (name.empty()) return refused("the trust domain is empty");
  if (name.size() > kTrustDomainMax) return refused("the trust domain is longer than 255 bytes");
  if (!std::ranges::all_of(name, is_name_character)) {
    return refused("the trust domain has a character other than letters, digits, '.', '-' and '_'");
  }
  std::string text(name);
  std::ranges::transform(text, text.begin(), lower);
  return TrustDomain(std::move(text));
}

Result<SpiffeId> SpiffeId::parse(std::string_view uri) {
  if (uri.size() > kSpiffeIdMax) return refused("it is longer than 2048 bytes");
  const std::string_view start = uri.substr(0, kScheme.size());
  if (!std::ranges::equal(start, kScheme, {}, lower)) return refused("it doesn't begin with spiffe://");
  uri.remove_prefix(kScheme.size());
  const std::size_t slash = uri.find('/');
  CLOISTER_TRY(const TrustDomain trust_domain, TrustDomain::parse(uri.substr(0, slash)));
  return of(trust_domain, slash == std::string_view::npos ? std::string_view() : uri.substr(slash));
}

Result<SpiffeId> SpiffeId::of(const TrustDomain& trust_domain, std::string_view path) {
  CLOISTER_RETURN_IF_ERROR(check_path(path));
  if (trust_domain.uri().size() + path.size() > kSpiffeIdMax) return refused("it is longer than 2048 bytes");
  return SpiffeId(trust_domain, std::string(path));
}

}  // namespace cloister::identity
