#include "mesh/relay/allow_list.h"

#include "identity/spiffe_id.h"

namespace cloister::mesh {

Result<AllowList> AllowList::parse(std::span<const std::string> patterns) {
  if (patterns.size() > kAllowedMax) {
    return Error(Code::kInvalid, "more than " + std::to_string(kAllowedMax) + " SPIFFE IDs");
  }
  AllowList list;
  for (const std::string& pattern : patterns) {
    const bool below = pattern.ends_with("/*");
    auto id = identity::SpiffeId::parse(below ? std::string_view(pattern).substr(0, pattern.size() - 2) : pattern);
    if (!id.ok()) return Error(Code::kInvalid, pattern + ": " + id.error().message());
    if (!below && id->path().empty()) return Error(Code::kInvalid, pattern + " is a trust domain, and no workload");
    list.patterns_.push_back(id->uri() + (below ? "/" : ""));
  }
  return list;
}

bool AllowList::allows(std::string_view id) const {
  for (const std::string& pattern : patterns_) {
    const bool below = pattern.ends_with('/');
    if (below ? id.size() > pattern.size() && id.starts_with(pattern) : id == pattern) return true;
  }
  return false;
}

}  // namespace cloister::mesh
