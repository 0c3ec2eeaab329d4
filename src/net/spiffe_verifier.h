// Who a peer is by its X.509-SVID, as long as nobody has denied it: the verifier of TLS between workloads.
#pragma once

#include <mutex>

#include "identity/deny_list.h"
#include "identity/source.h"
#include "net/peer.h"

namespace cloister::net {

// A chain as a peer showed it, judged by these bundles alone: verify_x509_svid()'s refusals, and kInvalid for what is
// no chain.
Result<identity::VerifiedSvid> verify_chain(Time now, std::span<const Bytes> chain, const identity::BundleSet& bundles,
                                            identity::Conformance conformance);

// A Peer's id is its SPIFFE ID, and its proof ends with the first certificate of the path. Any thread may use it.
class SpiffeVerifier final : public PeerVerifier {
 public:
  // Trusts the bundles that the source has at the moment of a handshake. The source is never null.
  SpiffeVerifier(std::shared_ptr<const identity::Source> source, identity::Conformance conformance,
                 identity::DenyList deny_list);

  // kInvalid: not an X.509-SVID, or the chain isn't one. kDenied: no path to an authority of its own trust domain, no
  // bundle of that, or on the deny list. kExpired: the path isn't valid at `now`.
  Result<Peer> verify(Time now, std::span<const Bytes> chain) const override;

  // For handshakes from now on. A connection that stands isn't cut by it: it ends with its proof or with
  // Limits::connection_time. Who wants an entry to bite at once asks deny_list() for each request.
  void replace_deny_list(identity::DenyList next);
  std::shared_ptr<const identity::DenyList> deny_list() const;

 private:
  const std::shared_ptr<const identity::Source> source_;
  const identity::Conformance conformance_;
  mutable std::mutex mutex_;
  std::shared_ptr<const identity::DenyList> deny_list_;
};

}  // namespace cloister::net
