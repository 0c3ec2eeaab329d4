#include "policy/index.h"

#include <algorithm>

namespace cloister::policy {

void RuleIndex::file(ByCaller& under, const Rule& rule, std::uint32_t number) {
  for (const CallerPattern& caller : rule.callers) {
    ++entries_;
    if (caller.any()) {
      under.any.push_back(number);
      continue;
    }
    const std::size_t parts = std::min(caller.literal_parts(), kPrefixPartsMax);
    under.by_prefix[std::string(caller.literal_prefix(parts))].push_back(number);
    under.lengths.set(parts);
  }
}

void RuleIndex::add(const Rule& rule, std::uint32_t number) {
  const bool only_names = !rule.tenants.empty() && std::ranges::all_of(rule.tenants, &NamePattern::literal);
  if (!only_names) return file(any_tenant_, rule, number);
  for (const NamePattern& tenant : rule.tenants) file(by_tenant_[tenant.text()], rule, number);
}

}  // namespace cloister::policy
