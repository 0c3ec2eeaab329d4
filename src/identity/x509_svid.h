// X.509-SVIDs: who a peer is, from the certificates it shows. SPIFFE X509-SVID standard.
#pragma once

#include <vector>

#include "crypto/x509.h"
#include "identity/bundle_set.h"
#include "identity/conformance.h"
#include "identity/spiffe_id.h"

namespace cloister::identity {

// Leaf and intermediates whose form was checked. Nobody has vouched for them yet.
class X509Svid {
 public:
  // Leaf first. kInvalid, with the reason, for an empty chain, a leaf that is no SVID and an intermediate that is no
  // signing certificate.
  static Result<X509Svid> from_chain(std::vector<crypto::Certificate> chain, Conformance conformance);

  // The id the leaf claims.
  const SpiffeId& id() const { return id_; }
  const crypto::Certificate& leaf() const { return chain_.front(); }
  const std::vector<crypto::Certificate>& chain() const { return chain_; }
  Conformance conformance() const { return conformance_; }

 private:
  X509Svid(SpiffeId id, std::vector<crypto::Certificate> chain, Conformance conformance)
      : id_(std::move(id)), chain_(std::move(chain)), conformance_(conformance) {}

  SpiffeId id_;
  std::vector<crypto::Certificate> chain_;
  Conformance conformance_;
};

// What is known of a peer once its chain was verified.
struct VerifiedSvid {
  SpiffeId id;
  Bytes serial;    // of the leaf
  Time not_after;  // when the first certificate of the path ends
};

// Against the bundle of the id's own trust domain, and never another's. kDenied when there is no bundle for it, or when
// no path leads to an authority in it; kExpired when the path isn't valid at `now`.
Result<VerifiedSvid> verify_x509_svid(const X509Svid& svid, const BundleSet& bundles, Time now);

// Whether a certificate may be an SVID's leaf, and whose; whether it may sign. kInvalid with the reason.
Result<SpiffeId> check_leaf(const crypto::Certificate& certificate, Conformance conformance);
Status check_signing_certificate(const crypto::Certificate& certificate, Conformance conformance);

}  // namespace cloister::identity
