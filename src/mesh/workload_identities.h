// What a caller of the Workload API may be, whoever issues it: the line between the protocols (Workload API, SDS) and
// registration, attestation and the authority behind them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/asymmetric_key.h"
#include "identity/bundle_set.h"
#include "identity/x509_svid.h"
#include "net/peer.h"

namespace cloister::mesh {

struct HeldSvid {
  identity::X509Svid svid;
  std::shared_ptr<const crypto::PrivateKey> key;
  std::string hint;                                   // empty: none
  std::vector<identity::TrustDomain> federates_with;  // whose bundles go with it, besides its own
};

// Everything a caller may have at one moment, whole: what isn't in it is gone. Immutable.
struct WorkloadState {
  std::vector<HeldSvid> svids;  // never empty; the first is the default identity
  identity::BundleSet bundles;  // of its own trust domain and of every one its entries federate with
};

struct HeldToken {
  identity::SpiffeId id;
  std::string token;  // a JWT-SVID
  std::string hint;
};

// Any thread may call. The calls may wait (they ask the kernel, the store and the authority): never on an I/O thread.
// kDenied: nothing is registered for this caller, or not the id it asked for. kUnavailable: not ready, try again.
class WorkloadIdentities {
 public:
  virtual ~WorkloadIdentities() = default;

  // SVIDs are renewed before half of their life is over: ask again when changed() says so.
  virtual Result<std::shared_ptr<const WorkloadState>> state_of(const net::UnixPeer& caller) = 0;
  // One for each of its identities, or for `id` alone.
  virtual Result<std::vector<HeldToken>> tokens_for(const net::UnixPeer& caller,
                                                    const std::vector<std::string>& audience,
                                                    const std::optional<identity::SpiffeId>& id) = 0;

  // `changed` is called, from any thread, whenever some caller's state may have: entries, bundles, the authority, or an
  // SVID that is due. It must not wait. Watching ends with the returned object.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  virtual std::unique_ptr<Watch> watch(std::function<void()> changed) = 0;
};

}  // namespace cloister::mesh
