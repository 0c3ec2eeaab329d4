// The bundles a verifier trusts, one a trust domain: its own and those it federates with.
#pragma once

#include <map>

#include "identity/bundle.h"

namespace cloister::identity {

// Immutable: a change makes a new set. There is no way to ask for "any" trust domain's authorities.
class BundleSet {
 public:
  BundleSet() = default;

  // The set with that bundle in the place of its trust domain's, or without that trust domain.
  BundleSet with(Bundle bundle) const;
  BundleSet without(const TrustDomain& trust_domain) const;

  // Null when there is none; valid as long as the set.
  const Bundle* find(const TrustDomain& trust_domain) const;
  const std::map<TrustDomain, Bundle>& all() const { return bundles_; }

 private:
  std::map<TrustDomain, Bundle> bundles_;
};

}  // namespace cloister::identity
