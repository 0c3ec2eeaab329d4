// The issuing authority of one trust domain: makes its own certificate, X.509-SVIDs and JWT-SVIDs. Byte for byte what
// docs/formats/identity.md says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate_request.h"
#include "crypto/random.h"
#include "crypto/signer.h"
#include "identity/rotation.h"
#include "identity/x509_svid.h"

namespace cloister::identity {

// The keys of one authority: one for certificates (EC), one for tokens (P-256). Both outlive what they are given to.
struct AuthoritySigners {
  crypto::Signer* x509 = nullptr;
  crypto::Signer* jwt = nullptr;
};

// A new authority, its certificate signed by itself: for Rotation::begin() or publish(). `signer_reference` is the
// caller's (AuthorityRecord::signer). kUnsupported for a trust domain that a name constraint can't hold (an IPv4
// address, an empty label), unless the rules have none. kInvalid for keys of other kinds or for twice the same.
Result<AuthorityRecord> make_authority(const TrustDomain& trust_domain, const AuthorityRules& rules,
                                       const AuthoritySigners& signers, Bytes signer_reference, Time now,
                                       crypto::Random& random);

// May be called by as many threads as its signers allow.
class Authority {
 public:
  // The one that `rotation` has as active: an authority that isn't published, or not yet its turn, can't be opened.
  // kNotFound when nobody is active; kDenied when the signers' keys aren't those of its record.
  static Result<Authority> open(const Rotation& rotation, const AuthoritySigners& signers);

  // The leaf alone: the authority that signed it is in the bundle. The SVID ends after the rules' lifetime, or after
  // `lifetime` where that is shorter, or with the authority. kDenied for an id of another trust domain, without a path,
  // or for the authority's own key; kExpired when the authority isn't valid at `now`.
  Result<X509Svid> issue_x509_svid(const SpiffeId& id, const crypto::PublicKey& key, Time now, crypto::Random& random,
                                   std::optional<Duration> lifetime = std::nullopt) const;
  // For the key of a request. Nothing but that is taken from it: a request that names another id, or anything besides
  // one URI, is kDenied.
  Result<X509Svid> issue_x509_svid(const SpiffeId& id, const crypto::CertificateRequest& request, Time now,
                                   crypto::Random& random) const;
  // kInvalid for no audience, more than 16, or one that is empty, over 512 bytes or not plain text.
  Result<std::string> issue_jwt_svid(const SpiffeId& id, const std::vector<std::string>& audience, Time now,
                                     std::optional<Duration> lifetime = std::nullopt) const;

  const TrustDomain& trust_domain() const { return trust_domain_; }
  const crypto::Certificate& certificate() const { return record_.certificate; }

 private:
  Authority(TrustDomain trust_domain, const AuthorityRules& rules, AuthorityRecord record, AuthoritySigners signers)
      : trust_domain_(std::move(trust_domain)), rules_(rules), record_(std::move(record)), signers_(signers) {}
  Status check_request(const SpiffeId& id, Time now) const;

  TrustDomain trust_domain_;
  AuthorityRules rules_;
  AuthorityRecord record_;
  AuthoritySigners signers_;
};

}  // namespace cloister::identity
