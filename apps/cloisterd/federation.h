// Keeps the bundles of trust domains that ours federates with: fetched when they say so, the last good one of each in
// the store.
#pragma once

#include <atomic>
#include <mutex>

#include "cloisterd/config.h"
#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "cloisterd/ticker.h"
#include "mesh/federation/federated_bundle.h"
#include "service/authentic_settings.h"
#include "service/issuer.h"

namespace cloister::daemon {

// What it is given outlives it.
struct FederationParts {
  std::function<Result<keys::Store>()> open_store;
  service::AuthenticSettings settings;
  const service::Issuer& issuer;  // its own bundle may vouch for an endpoint, too
  net::Clock clock;
  Log& log;
  Metrics& metrics;
  std::string actor;
};

class Federation {
 public:
  // With what the store has, and what the configuration's files say: endpoints are asked from then on, each on a thread
  // of its own. kInvalid: a file that is no bundle.
  static Result<std::unique_ptr<Federation>> start(FederationParts parts, const std::vector<Federated>& all);
  ~Federation();
  Federation(const Federation&) = delete;
  Federation& operator=(const Federation&) = delete;

  // Never null; another object when something changed. Any thread.
  std::shared_ptr<const identity::BundleSet> bundles() const;

 private:
  struct Relation {
    explicit Relation(Federated of) : config(std::move(of)) {}
    const Federated config;
    std::shared_ptr<const net::WebTls> web;  // with https_web
    std::string bootstrap;                   // hash of the file that its first bundle is from; empty: none
    unsigned failures = 0;                   // in a row
    std::unique_ptr<Ticker> ticker;
  };

  explicit Federation(FederationParts parts) : parts_(std::move(parts)) {}
  Status add(const Federated& config);
  Status begin(Relation& relation);
  Duration tick(Relation& relation);
  Result<identity::Bundle> fetch(const Relation& relation) const;
  // Writes it where it differs from what is stored, recorded, and shows it to everybody.
  Status take(const Relation& relation, const identity::Bundle& bundle);
  void publish(const identity::Bundle& bundle);

  FederationParts parts_;
  mutable std::mutex mutex_;
  std::shared_ptr<const identity::BundleSet> bundles_ = std::make_shared<identity::BundleSet>();
  std::mutex store_mutex_;
  std::optional<keys::Store> store_;
  std::vector<std::unique_ptr<Relation>> relations_;
};

}  // namespace cloister::daemon
