// Finds the few rules that can be about a request, however many there are: by the tenants a rule names and by the part
// of its callers that is written out.
#pragma once

#include <bitset>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/rule.h"

namespace cloister::policy {

// A rule is filed once for each of its tenants and callers; a policy for which that is more is refused.
inline constexpr std::size_t kIndexEntriesMax = 262'144;

class RuleIndex {
 public:
  // Files the rule under `number`; numbers grow.
  void add(const Rule& rule, std::uint32_t number);
  std::size_t entries() const { return entries_; }

  // Calls visit(number) for every rule whose callers and tenants can match, some that don't, and some twice: list after
  // list, in each from the smallest number up, until visit returns false, which ends that list. `tenant` is empty for
  // an operation on the service.
  template <typename Visit>
  void visit(std::string_view tenant, const CallerId& caller, const Visit& visit) const {
    visit_callers(any_tenant_, caller, visit);
    const auto found = by_tenant_.find(tenant);
    if (found != by_tenant_.end()) visit_callers(found->second, caller, visit);
  }

 private:
  // Longer prefixes are filed by their first parts.
  static constexpr std::size_t kPrefixPartsMax = 8;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename Value>
  using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  struct ByCaller {
    std::vector<std::uint32_t> any;
    ByText<std::vector<std::uint32_t>> by_prefix;
    std::bitset<kPrefixPartsMax + 1> lengths;  // those that by_prefix has, in parts
  };

  template <typename Visit>
  static void visit_callers(const ByCaller& filed, const CallerId& caller, const Visit& visit) {
    visit_list(filed.any, visit);
    for (std::size_t parts = 1; parts <= kPrefixPartsMax && parts <= caller.parts(); ++parts) {
      if (!filed.lengths[parts]) continue;
      const auto found = filed.by_prefix.find(caller.prefix(parts));
      if (found != filed.by_prefix.end()) visit_list(found->second, visit);
    }
  }

  template <typename Visit>
  static void visit_list(const std::vector<std::uint32_t>& numbers, const Visit& visit) {
    for (const std::uint32_t number : numbers) {
      if (!visit(number)) return;
    }
  }

  void file(ByCaller& under, const Rule& rule, std::uint32_t number);

  ByCaller any_tenant_;
  ByText<ByCaller> by_tenant_;
  std::size_t entries_ = 0;
};

}  // namespace cloister::policy
