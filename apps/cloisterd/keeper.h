// Keeps the server's identity and its view of others fresh: the authority's rotation, its own SVID, the deny list,
// access keys.
#pragma once

#include <atomic>

#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "net/spiffe_verifier.h"
#include "service/access_keys.h"
#include "service/attestation/attested_release.h"
#include "service/authentic_settings.h"
#include "service/own_identity.h"

namespace cloister::daemon {

struct KeeperParts {
  std::function<Result<keys::Store>()> open_store;
  service::Issuer& issuer;
  service::OwnIdentity& own;
  net::SpiffeVerifier& verifier;
  service::AuthenticSettings settings;
  Log& log;
  Metrics& metrics;
  net::Clock clock;
  std::string actor;
  Duration poll;
  service::AccessKeys* access_keys = nullptr;  // where there are any to be kept fresh
  service::AttestedRelease* releases = nullptr;
};

// What it is given outlives it. tick() on one thread; the rest on any.
class Keeper {
 public:
  explicit Keeper(KeeperParts parts) : parts_(std::move(parts)) {}

  // Returns how long to rest.
  Duration tick();
  // Whether the store answered lately.
  bool store_answers() const;

 private:
  Status work(Time now);

  KeeperParts parts_;
  std::optional<keys::Store> store_;
  std::uint64_t sequence_ = 0;
  bool failing_ = false;
  std::atomic<std::int64_t> answered_ms_{0};
};

}  // namespace cloister::daemon
