#include "identity/bundle_set.h"

namespace cloister::identity {

BundleSet BundleSet::with(Bundle bundle) const {
  BundleSet changed = *this;
  const TrustDomain trust_domain = bundle.trust_domain();
  changed.bundles_.insert_or_assign(trust_domain, std::move(bundle));
  return changed;
}

BundleSet BundleSet::without(const TrustDomain& trust_domain) const {
  BundleSet changed = *this;
  changed.bundles_.erase(trust_domain);
  return changed;
}

const Bundle* BundleSet::find(const TrustDomain& trust_domain) const {
  const auto found = bundles_.find(trust_domain);
  return found == bundles_.end() ? nullptr : &found->second;
}

}  // namespace cloister::identity
