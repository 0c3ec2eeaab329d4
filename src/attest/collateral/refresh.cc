#include "attest/collateral/refresh.h"

#include <algorithm>

namespace cloister::attest {
namespace {

// Endorsements and lists of TPMs' vendors come from an operator, certificates of chips for ever from AMD: there is
// nobody to ask anew.
bool stays(CollateralKind kind) {
  return kind == CollateralKind::kAmdCertificate || kind == CollateralKind::kCcaEndorsement ||
         kind == CollateralKind::kTpmEndorsement || kind == CollateralKind::kTpmCrl;
}

}  // namespace

std::optional<Time> due(const CollateralItem& item, const RefreshRules& rules) {
  if (stays(item.kind)) return std::nullopt;
  Time when = item.fetched + rules.undated;
  if (item.issued && item.expires && *item.expires > *item.issued) {
    const Duration share{(*item.expires - *item.issued).ms / 100 * rules.at_percent};
    when = std::min(*item.issued + share, when);
  }
  return std::max(when, item.fetched + rules.rest);
}

bool expired(const CollateralItem& item, Time now) { return item.expires && *item.expires <= now; }

RefreshPlan plan_refresh(const Collateral& kept, const std::vector<CollateralNeed>& wanted, Time now,
                         const RefreshRules& rules) {
  RefreshPlan plan;
  std::vector<const CollateralItem*> old;
  for (const auto& [name, item] : kept.items()) {
    const auto when = due(item, rules);
    if (!when) continue;
    if (*when <= now) {
      old.push_back(&item);
    } else {
      plan.next = std::min(plan.next.value_or(*when), *when);
    }
  }
  for (const CollateralNeed& need : wanted) {
    if (kept.find(need.kind, need.key) == nullptr) plan.now.push_back(need);
  }
  std::ranges::sort(plan.now);
  const auto repeated = std::ranges::unique(plan.now);
  plan.now.erase(repeated.begin(), repeated.end());
  std::ranges::sort(old, {}, [](const CollateralItem* item) { return item->expires.value_or(Time{INT64_MAX}); });
  for (const CollateralItem* item : old) plan.now.push_back({item->kind, item->key});
  return plan;
}

}  // namespace cloister::attest
