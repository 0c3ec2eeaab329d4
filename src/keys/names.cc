// Names of tenants, environments, datasets and roots.
#include <algorithm>

#include "keys/hierarchy.h"
#include "keys/root_use.h"

namespace cloister::keys {
namespace {

constexpr std::size_t kPartSizeMax = 63;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// A policy's words for every name and for the absence of one: no rule could speak of something called so.
bool is_word_of_policies(std::string_view part) { return part == "any" || part == "none"; }

bool is_part(std::string_view part) {
  if (part.empty() || part.size() > kPartSizeMax || !is_letter_or_digit(part.front())) return false;
  return std::ranges::all_of(part, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t slash = text.find('/');
    parts.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

Result<std::vector<std::string>> parse_parts(std::string_view text, std::size_t count_min, std::string_view example) {
  std::vector<std::string> parts = split(text);
  const bool right_count = parts.size() == count_min || parts.size() == count_min + 1;
  if (!right_count || !std::ranges::all_of(parts, is_part)) {
    return Error(Code::kInvalid,
                 "a name like " + std::string(example) +
                     " is needed: parts of a-z 0-9 . _ -, at most 63 long, starting with a letter or digit");
  }
  if (std::ranges::any_of(parts, is_word_of_policies)) {
    return Error(Code::kInvalid, "`any` and `none` are words of policies, and no names");
  }
  return parts;
}

}  // namespace

std::string TenantName::text() const { return environment.empty() ? tenant : tenant + "/" + environment; }

std::string DatasetName::text() const { return TenantName{tenant, environment}.text() + "/" + dataset; }

Result<TenantName> parse_tenant_name(std::string_view text) {
  CLOISTER_TRY(auto parts, parse_parts(text, 1, "acme or acme/production"));
  return TenantName{parts[0], parts.size() == 2 ? parts[1] : ""};
}

Result<DatasetName> parse_dataset_name(std::string_view text) {
  CLOISTER_TRY(auto parts, parse_parts(text, 2, "acme/mnist or acme/production/mnist"));
  return DatasetName{parts[0], parts.size() == 3 ? parts[1] : "", parts.back()};
}

Status check_root_name(std::string_view name) {
  if (is_part(name)) return {};
  return Error(Code::kInvalid, "a root's name is 1 to 63 of a-z 0-9 . _ -, starting with a letter or digit");
}

}  // namespace cloister::keys
