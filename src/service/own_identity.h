// The server's own SVID: issued to itself, renewed before half of its life is over, swapped without touching a
// connection that stands.
#pragma once

#include "identity/source.h"
#include "service/issuer.h"

namespace cloister::service {

class OwnIdentity {
 public:
  // kUnavailable while the trust domain has nobody who signs.
  static Result<std::unique_ptr<OwnIdentity>> create(const Issuer& issuer, identity::SpiffeId id, keys::Store& store,
                                                     crypto::Random& random, const keys::Caller& caller);

  // A new SVID when it is time or the bundle changed: recorded before it is used. One thread at a time. What fails is
  // tried again at the next call; the old SVID stays.
  Status refresh(const Issuer& issuer, keys::Store& store, const keys::Caller& caller);

  // Never null; any thread.
  const std::shared_ptr<identity::Source>& source() const { return source_; }
  const identity::SpiffeId& id() const { return id_; }

 private:
  OwnIdentity(identity::SpiffeId id, crypto::Random& random) : id_(std::move(id)), random_(random) {}
  Result<std::shared_ptr<const identity::Snapshot>> issue(const Issuing& issuing, keys::Store& store,
                                                          const keys::Caller& caller);

  const identity::SpiffeId id_;
  crypto::Random& random_;
  std::shared_ptr<identity::Source> source_;
  Time renew_at_;
  std::shared_ptr<const Issuing> issued_with_;
};

}  // namespace cloister::service
