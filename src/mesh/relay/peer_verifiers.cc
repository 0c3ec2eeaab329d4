#include "mesh/relay/peer_verifiers.h"

#include "net/spiffe_verifier.h"

namespace cloister::mesh {
namespace {

crypto::Sha256Digest digest_of(std::span<const Bytes> chain) {
  crypto::Sha256 hash;
  for (const Bytes& der : chain) {
    // DER says its own length, so no two chains run together to the same bytes.
    hash.update(der);
  }
  return hash.finish();
}

}  // namespace

RememberingVerifier::RememberingVerifier(std::shared_ptr<const identity::Source> source,
                                         identity::Conformance conformance)
    : source_(std::move(source)), conformance_(conformance) {
  CLOISTER_CHECK(source_ != nullptr);
}

Result<net::Peer> RememberingVerifier::verify(Time now, std::span<const Bytes> chain) const {
  const crypto::Sha256Digest digest = digest_of(chain);
  const auto snapshot = source_->current();
  {
    const std::scoped_lock lock(mutex_);
    if (snapshot != snapshot_) {
      verdicts_.clear();
      snapshot_ = snapshot;
    }
    const auto found = verdicts_.find(digest);
    if (found != verdicts_.end() && found->second.made <= now && now < found->second.peer.not_after) {
      return found->second.peer;
    }
  }
  CLOISTER_TRY(const auto verified, net::verify_chain(now, chain, snapshot->bundles(), conformance_));
  net::Peer peer{verified.id.uri(), verified.not_after};
  const std::scoped_lock lock(mutex_);
  if (snapshot != snapshot_) return peer;
  if (verdicts_.size() >= kRememberedMax) verdicts_.clear();
  verdicts_.insert_or_assign(digest, Verdict{peer, now});
  return peer;
}

Result<net::Peer> AdmittingVerifier::verify(Time now, std::span<const Bytes> chain) const {
  CLOISTER_TRY(net::Peer peer, inner_->verify(now, chain));
  if (!allowed_.allows(peer.id)) return Error(Code::kDenied, peer.id + " isn't allowed here");
  return peer;
}

}  // namespace cloister::mesh
