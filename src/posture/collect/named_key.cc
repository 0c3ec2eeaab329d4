#include "posture/collect/named_key.h"

#include <algorithm>

#include "posture/collect/key_facts.h"

namespace cloister::posture {
namespace {

// The part between the nth and the next separator.
std::string part(std::string_view text, char separator, std::size_t position) {
  for (; position > 0; --position) {
    const std::size_t end = text.find(separator);
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  return std::string(text.substr(0, text.find(separator)));
}

std::string by_account(const std::set<std::string>& own, const std::string& account, std::string_view if_own) {
  if (account.empty() || own.empty()) return "unknown";
  return own.contains(account) ? std::string(if_own) : "foreign";
}

}  // namespace

std::string manager_of_named_key(const Estate& estate, std::string_view name) {
  const bool is_alias = name.starts_with("alias/") || name.find(":alias/") != std::string_view::npos;
  if (is_alias && name.find("alias/aws/") != std::string_view::npos) return "platform_default";
  const std::set<std::string> own = own_accounts(estate);
  const bool declared = std::ranges::find(estate.keys, name, &DeclaredKey::name) != estate.keys.end();
  if (name.starts_with("arn:")) return by_account(own, part(name, ':', 4), declared ? "operator" : "unknown");
  if (name.starts_with("projects/")) {
    const std::string manager = by_account(own, part(name, '/', 1), "operator");
    return declared && manager == "unknown" ? "operator" : manager;
  }
  return declared ? "operator" : "unknown";
}

}  // namespace cloister::posture
