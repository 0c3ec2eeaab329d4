// A workload's own identity and whom it trusts, as one value that connections hold on to while it is replaced.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "crypto/asymmetric_key.h"
#include "identity/x509_svid.h"

namespace cloister::identity {

// Immutable, and consistent: the key is the leaf's, and the own SVID verified against the own bundle when it was made.
class Snapshot {
 public:
  // kInvalid when the key isn't that of the leaf; the refusals of verify_x509_svid().
  static Result<std::shared_ptr<const Snapshot>> create(X509Svid svid, crypto::PrivateKey key, BundleSet bundles,
                                                        Time now);

  const X509Svid& svid() const { return svid_; }
  const crypto::PrivateKey& key() const { return key_; }
  const BundleSet& bundles() const { return bundles_; }
  Time not_after() const { return not_after_; }

 private:
  Snapshot(X509Svid svid, crypto::PrivateKey key, BundleSet bundles, Time not_after)
      : svid_(std::move(svid)), key_(std::move(key)), bundles_(std::move(bundles)), not_after_(not_after) {}

  X509Svid svid_;
  crypto::PrivateKey key_;
  BundleSet bundles_;
  Time not_after_;
};

// Any number of threads may read while one replaces; each reads all of the old or all of the new.
class Source {
 public:
  explicit Source(std::shared_ptr<const Snapshot> first) : snapshot_(std::move(first)) {
    CLOISTER_CHECK(snapshot_ != nullptr);
  }

  std::shared_ptr<const Snapshot> current() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  // What the new snapshot doesn't have is gone: a bundle that was left out is trusted no more.
  void replace(std::shared_ptr<const Snapshot> next) {
    CLOISTER_CHECK(next != nullptr);
    const std::lock_guard lock(mutex_);
    snapshot_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace cloister::identity
