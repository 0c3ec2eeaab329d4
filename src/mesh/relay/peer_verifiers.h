// Verifiers of a relay's peers: one that remembers what it has verified, one that lets in whom a list names.
#pragma once

#include <map>
#include <mutex>

#include "crypto/hash.h"
#include "identity/conformance.h"
#include "identity/source.h"
#include "mesh/relay/allow_list.h"
#include "net/peer.h"

namespace cloister::mesh {

// As net::SpiffeVerifier, without looking at a chain again that it has seen: peers come back with the same one hundreds
// of times. A verdict is used while the bundles are the very ones it was made with, until its proof ends, and never for
// a time before it was made. Refusals aren't remembered. That the peer holds the key is proven each time, by TLS.
class RememberingVerifier final : public net::PeerVerifier {
 public:
  // The source is never null.
  RememberingVerifier(std::shared_ptr<const identity::Source> source, identity::Conformance conformance);

  // net::SpiffeVerifier's refusals.
  Result<net::Peer> verify(Time now, std::span<const Bytes> chain) const override;

  static constexpr std::size_t kRememberedMax = 4096;

 private:
  struct Verdict {
    net::Peer peer;
    Time made;
  };

  const std::shared_ptr<const identity::Source> source_;
  const identity::Conformance conformance_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const identity::Snapshot> snapshot_;  // whose bundles the verdicts are by
  mutable std::map<crypto::Sha256Digest, Verdict> verdicts_;
};

// Lets through whom `inner` verified and the list allows; kDenied otherwise, so that TLS itself refuses them.
class AdmittingVerifier final : public net::PeerVerifier {
 public:
  AdmittingVerifier(std::shared_ptr<const net::PeerVerifier> inner, AllowList allowed)
      : inner_(std::move(inner)), allowed_(std::move(allowed)) {}

  Result<net::Peer> verify(Time now, std::span<const Bytes> chain) const override;

 private:
  const std::shared_ptr<const net::PeerVerifier> inner_;
  const AllowList allowed_;
};

}  // namespace cloister::mesh
