#include "service/own_identity.h"

#include "identity/renewal.h"

namespace cloister::service {

Result<std::unique_ptr<OwnIdentity>> OwnIdentity::create(const Issuer& issuer, identity::SpiffeId id,
                                                         keys::Store& store, crypto::Random& random,
                                                         const keys::Caller& caller) {
  std::unique_ptr<OwnIdentity> own(new OwnIdentity(std::move(id), random));
  CLOISTER_RETURN_IF_ERROR(own->refresh(issuer, store, caller));
  return own;
}

Status OwnIdentity::refresh(const Issuer& issuer, keys::Store& store, const keys::Caller& caller) {
  const auto issuing = issuer.current();
  const bool is_new = source_ == nullptr || issued_with_->bundle() != issuing->bundle();
  if (!is_new && caller.now < renew_at_) return {};
  CLOISTER_TRY(auto snapshot, issue(*issuing, store, caller).with_context("issue the server's own SVID"));
  renew_at_ = identity::renewal_time(caller.now, snapshot->not_after(), random_);
  issued_with_ = issuing;
  if (source_ == nullptr) {
    source_ = std::make_shared<identity::Source>(std::move(snapshot));
  } else {
    source_->replace(std::move(snapshot));
  }
  return {};
}

Result<std::shared_ptr<const identity::Snapshot>> OwnIdentity::issue(const Issuing& issuing, keys::Store& store,
                                                                     const keys::Caller& caller) {
  if (issuing.authority() == nullptr) return Error(Code::kUnavailable, "nobody signs for the trust domain");
  CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random_));
  CLOISTER_TRY(identity::X509Svid svid,
               issuing.authority()->issue_x509_svid(id_, key.public_key(), caller.now, random_));
  const crypto::CertificateFacts& facts = svid.leaf().facts();
  const audit::Event event{caller.now,
                           caller.actor,
                           "identity.issue",
                           "",
                           id_.uri(),
                           audit::Outcome::kAllowed,
                           "serial " + to_hex(facts.serial) + " until " + to_rfc3339(facts.not_after)};
  CLOISTER_RETURN_IF_ERROR(store.record(event));
  return identity::Snapshot::create(std::move(svid), std::move(key), identity::BundleSet().with(issuing.bundle()),
                                    caller.now);
}

}  // namespace cloister::service
