// The trust domain's issuing authority, kept in the store: made once, rotated by whichever server comes first, used by
// all of them. docs/formats/identity.md has the bytes, docs/decisions/identity-lifetimes.md the times.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "crypto/random.h"
#include "identity/authority.h"
#include "identity/software_signer.h"
#include "keys/hierarchy.h"

namespace cloister::service {

// What is signed with at one moment. Doesn't change; any thread may use it.
class Issuing {
 public:
  Issuing(identity::Bundle bundle, std::uint64_t sequence) : bundle_(std::move(bundle)), sequence_(sequence) {}
  Issuing(const Issuing&) = delete;
  Issuing& operator=(const Issuing&) = delete;

  // Null while nobody may sign.
  const identity::Authority* authority() const { return authority_ ? &*authority_ : nullptr; }
  const identity::Bundle& bundle() const { return bundle_; }
  std::uint64_t sequence() const { return sequence_; }

 private:
  friend class Issuer;
  identity::Bundle bundle_;
  std::uint64_t sequence_;
  std::optional<identity::SoftwareSigner> x509_, jwt_;
  std::optional<identity::Authority> authority_;  // uses the two
};

struct IssuerOptions {
  identity::TrustDomain trust_domain;
  identity::AuthorityRules rules = {};
};

class Issuer {
 public:
  // The first call for a store makes the first authority. `root` and `random` outlive it.
  static Result<std::unique_ptr<Issuer>> open(keys::Store& store, crypto::KeyWrapper& root, crypto::Random& random,
                                              IssuerOptions options, const keys::Caller& caller);

  // Reads what other servers did, and takes the steps that are due, each recorded and each by one server only. One
  // thread at a time. kCorrupt: the stored authorities are damaged, or older than they were; what current() gives
  // stays.
  Status refresh(keys::Store& store, const keys::Caller& caller);

  // Never null. Any thread.
  std::shared_ptr<const Issuing> current() const;
  const identity::TrustDomain& trust_domain() const { return options_.trust_domain; }
  const identity::AuthorityRules& rules() const { return options_.rules; }

 private:
  Issuer(crypto::KeyWrapper& root, crypto::Random& random, IssuerOptions options)
      : root_(root), random_(random), options_(std::move(options)) {}

  Result<identity::AuthorityRecord> make_record(Time now);
  Status load(keys::Store& store, const keys::Caller& caller);
  Status begin(keys::Store& store, const keys::Caller& caller);
  Status take(keys::Store& store, const identity::RotationStep& step, const keys::Caller& caller);
  // Puts `next` in the place of what was read. Nothing happens where another server was faster.
  Status replace(keys::Store& store, const identity::Rotation& next, const audit::Event& event);
  Status publish();

  crypto::KeyWrapper& root_;
  crypto::Random& random_;
  const IssuerOptions options_;
  std::string stored_;  // as it was read
  std::optional<identity::Rotation> rotation_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Issuing> current_;
};

}  // namespace cloister::service
