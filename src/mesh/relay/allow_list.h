// Whom a relay lets through: SPIFFE IDs, written out or as everything below a path.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::mesh {

inline constexpr std::size_t kAllowedMax = 256;

// Immutable. An empty one allows nobody: there is no word for everybody.
class AllowList {
 public:
  AllowList() = default;
  // "spiffe://acme.example/gateway" is that workload; "spiffe://acme.example/batch/*" everything below /batch, by whole
  // segments, and not /batch itself. kInvalid for anything else, for a trust domain without a path, and for more than
  // kAllowedMax.
  static Result<AllowList> parse(std::span<const std::string> patterns);

  // `id` as identity::SpiffeId::uri() writes it.
  bool allows(std::string_view id) const;
  const std::vector<std::string>& patterns() const { return patterns_; }
  friend bool operator==(const AllowList&, const AllowList&) = default;

 private:
  std::vector<std::string> patterns_;  // one that ends with a slash stands for what is below
};

}  // namespace cloister::mesh
